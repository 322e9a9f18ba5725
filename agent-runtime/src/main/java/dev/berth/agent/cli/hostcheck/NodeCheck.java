package dev.berth.agent.cli.hostcheck;

import dev.berth.agent.cli.hostcheck.Finding.Area;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.playground.DeviceFile;
import dev.berth.agent.cli.playground.NodeFolder;
import dev.berth.agent.cli.playground.NodeReport;
import dev.berth.agent.cli.playground.NodeReport.Way;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Which device nodes a container with one GPU can open. */
final class NodeCheck {
    private static final String UNTRIED = "(not tried)";

    /** The driver answered, or none is behind the number: every fence let the call pass. */
    private static final List<String> PASSED = List.of("OK", "ENXIO");

    /** What a fence gives, not a driver. */
    private static final List<String> STOPPED = List.of("EPERM", "EACCES", "ENOENT", UNTRIED);

    private final NodeReport seen;
    private final NodeReport everything;
    private final Report report;

    private NodeCheck(NodeReport seen, NodeReport everything, Report report) {
        this.seen = seen;
        this.everything = everything;
        this.report = report;
    }

    /** All nodes of an inventory. */
    static List<DeviceFile> files(Json inventory) {
        List<DeviceFile> files = new ArrayList<>();
        for (Json device : inventory.at("Devices").items()) {
            files.addAll(filesOf(device.at("Nodes")));
        }
        files.addAll(filesOf(inventory.at("ControlNodes")));
        files.addAll(filesOf(inventory.at("WithheldNodes")));
        return files;
    }

    private static List<DeviceFile> filesOf(Json nodes) {
        return nodes.items().stream().map(DeviceFile::of).toList();
    }

    /**
     * Judges what a container saw.
     *
     * @param gpu which it holds
     * @param everything what one saw that may open every device of the kernel: without it a denial proves nothing
     */
    static void judge(
            Json inventory, String gpu, NodeReport seen, NodeReport everything, Report report) {
        NodeCheck check = new NodeCheck(seen, everything, report);
        List<DeviceFile> own = new ArrayList<>();
        List<DeviceFile> siblings = new ArrayList<>();
        for (Json device : inventory.at("Devices").items()) {
            boolean granted = device.at("Id").text().equals(gpu);
            (granted ? own : siblings).addAll(filesOf(device.at("Nodes")));
        }
        check.nodes("its GPU opens", own, true);
        check.nodes("control nodes open", filesOf(inventory.at("ControlNodes")), true);
        check.nodes("other GPUs are denied", siblings, false);
        check.nodes("withheld nodes are denied", filesOf(inventory.at("WithheldNodes")), false);
    }

    private void nodes(String name, List<DeviceFile> files, boolean allowed) {
        if (files.isEmpty()) {
            report.skip(Area.CONTAINER, name, "this machine has none");
            return;
        }
        Map<String, Integer> results = new TreeMap<>();
        List<String> wrong = new ArrayList<>();
        for (DeviceFile file : files) {
            String path = NodeFolder.inside(file);
            String got = seen.result(path, Way.BOTH).orElse(UNTRIED);
            String free = everything.result(path, Way.BOTH).orElse(UNTRIED);
            results.merge(got, 1, Integer::sum);
            // One that the driver itself denies to everyone says nothing either way.
            boolean right =
                    allowed
                            ? PASSED.contains(got) || (got.equals(free) && !STOPPED.contains(got))
                            : got.equals("EPERM");
            if (!right) {
                wrong.add(file.path() + ": " + got);
            } else if (!allowed && STOPPED.contains(free)) {
                wrong.add(
                        file.path()
                                + ": denied to everyone here ("
                                + free
                                + "), which proves nothing");
            }
        }
        report.judge(
                Area.CONTAINER,
                name,
                wrong.isEmpty(),
                wrong.isEmpty() ? results + " of " + files.size() : String.join("; ", wrong));
    }
}
