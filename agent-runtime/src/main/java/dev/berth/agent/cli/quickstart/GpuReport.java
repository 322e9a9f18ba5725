package dev.berth.agent.cli.quickstart;

import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.playground.DeviceFile;
import dev.berth.agent.cli.playground.NodeFolder;
import dev.berth.agent.cli.playground.NodeReport;
import dev.berth.agent.cli.playground.NodeReport.Way;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a container with one GPU got of that one, and of all others. */
final class GpuReport {
    private final Json inventory;
    private final String container;
    private final NodeReport report;
    private final StringBuilder text = new StringBuilder();

    private GpuReport(Json inventory, String container, NodeReport report) {
        this.inventory = inventory;
        this.container = container;
        this.report = report;
    }

    /**
     * Arranges it.
     *
     * @param inventory the agent's {@code /berth/gpus} while the container ran
     * @param container its id
     * @param listing what {@code nvidia-smi -L} printed in it
     */
    static String of(Json inventory, String container, NodeReport report, String listing) {
        return new GpuReport(inventory, container, report).render(listing);
    }

    /** All nodes that are worth trying. */
    static List<DeviceFile> files(Json inventory) {
        List<DeviceFile> files = new ArrayList<>();
        for (Json device : inventory.at("Devices").items()) {
            add(files, device.at("Nodes"));
        }
        add(files, inventory.at("ControlNodes"));
        add(files, inventory.at("WithheldNodes"));
        return files;
    }

    private static void add(List<DeviceFile> files, Json nodes) {
        for (Json node : nodes.items()) {
            files.add(DeviceFile.of(node));
        }
    }

    private String render(String listing) {
        List<DeviceFile> others = new ArrayList<>();
        int otherDevices = 0;
        for (Json device : inventory.at("Devices").items()) {
            List<DeviceFile> nodes = new ArrayList<>();
            add(nodes, device.at("Nodes"));
            if (device.at("Container").text().equals(container)) {
                row("granted", device.at("Id").text() + " " + device.at("Model").text());
                results("its node", nodes);
            } else {
                others.addAll(nodes);
                otherDevices++;
            }
        }
        List<DeviceFile> control = new ArrayList<>();
        add(control, inventory.at("ControlNodes"));
        results("nodes of the driver", control);
        results(otherDevices + (otherDevices == 1 ? " other GPU" : " other GPUs"), others);
        List<DeviceFile> withheld = new ArrayList<>();
        add(withheld, inventory.at("WithheldNodes"));
        results(withheld.size() + " withheld nodes", withheld);
        String label = "nvidia-smi -L, inside";
        for (String line : listing.strip().split("\n")) {
            row(label, line);
            label = "";
        }
        return text.toString();
    }

    /** Nodes by what opening them for reading and writing gave. */
    private void results(String label, List<DeviceFile> files) {
        Map<String, List<String>> byResult = new LinkedHashMap<>();
        for (DeviceFile file : files) {
            String result = report.result(NodeFolder.inside(file), Way.BOTH).orElse("not tried");
            byResult.computeIfAbsent(result, key -> new ArrayList<>()).add(file.name());
        }
        String rest = label;
        for (Map.Entry<String, List<String>> result : byResult.entrySet()) {
            String meaning =
                    switch (result.getKey()) {
                        case "OK" -> "OK: open";
                        case "ENXIO" ->
                                "ENXIO: every fence lets it pass (no driver is behind the number)";
                        case "EPERM" -> "EPERM: denied by the device program";
                        default -> result.getKey();
                    };
            row(rest, meaning + "  " + names(result.getValue()));
            rest = "";
        }
    }

    private static String names(List<String> names) {
        return names.size() <= 3
                ? String.join(" ", names)
                : names.get(0) + " … " + names.get(names.size() - 1);
    }

    private void row(String label, String value) {
        text.append(String.format(Locale.ROOT, "  %-24s  %s%n", label, value));
    }
}
