package dev.berth.agent.cli.hostcheck;

import dev.berth.agent.cli.gpu.Inventory;
import dev.berth.agent.cli.hostcheck.Finding.Area;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.playground.NodeFolder;
import dev.berth.agent.cli.playground.NodeReport;
import dev.berth.agent.cli.playground.Playground;
import dev.berth.agent.cli.playground.ProbeContainer;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** An agent of the check's own gives containers one GPU; what they can do with it and with all others, and what is left of it. */
final class ContainerHalf {
    private static final String HOLDER = "gpu-host-check";

    /** How our CUDA program ends without the driver's library. */
    private static final int NO_LIBCUDA = 2;

    private static final int STARTS = 20;
    private static final int COLD_STARTS = 3;
    private static final long DEADLINE_NS = 30_000_000_000L;
    private static final long POLL_NS = 1_000_000;
    private static final double MEMORY_TOLERANCE_MIB = 16;
    private static final String MEMORY = "memory.used";
    private static final Pattern UUID = Pattern.compile("GPU-[0-9a-fA-F-]{36}");

    private final Cli cli;
    private final Target target;
    private final Report report;
    private final HostRoot root;
    private final NodeFolder nodes;
    private final String gpu;

    private ContainerHalf(
            Cli cli, Target target, Report report, HostRoot root, NodeFolder nodes, String gpu) {
        this.cli = cli;
        this.target = target;
        this.report = report;
        this.root = root;
        this.nodes = nodes;
        this.gpu = gpu;
    }

    /** Runs it; the playground is the caller's to close. */
    static void run(Cli cli, Target target, Playground playground, Report report)
            throws CliException, IOException {
        playground.start(cli, target.agentFlags());
        Json inventory = settled(cli);
        report.fact("Inventory", inventory);
        String gpu = "";
        for (Json device : inventory.at("Devices").items()) {
            if (gpu.isEmpty() && device.at("State").text().equals("FREE")) {
                gpu = device.at("Id").text();
            }
        }
        if (gpu.isEmpty()) {
            report.judge(Area.CONTAINER, "a free GPU", false, "none: " + states(inventory));
            return;
        }
        HostRoot root = HostRoot.make(playground.root().resolve("rootfs"));
        NodeFolder nodes = NodeFolder.make(playground, NodeCheck.files(inventory));
        ContainerHalf half = new ContainerHalf(cli, target, report, root, nodes, gpu);
        OptionalDouble before = half.memoryUsed(Double.MAX_VALUE / 2);
        half.holder(inventory);
        half.cuda();
        half.hygiene(before);
        half.starts();
    }

    /** The inventory when no device is being verified any more. */
    private static Json settled(Cli cli) throws CliException, IOException {
        long end = System.nanoTime() + DEADLINE_NS;
        while (true) {
            Json inventory = Inventory.ask(cli, "").answer();
            boolean busy =
                    inventory.at("Devices").items().stream()
                            .anyMatch(device -> device.at("State").text().equals("VERIFYING"));
            if (!busy || System.nanoTime() - end > 0) {
                return inventory;
            }
            LockSupport.parkNanos(POLL_NS);
        }
    }

    private static String states(Json inventory) {
        String states =
                inventory.at("Devices").items().stream()
                        .map(device ->
                                device.at("Id").text()
                                        + " "
                                        + device.at("State").text()
                                        + " "
                                        + device.at("Reason").text())
                        .collect(Collectors.joining("; "));
        return states.isEmpty()
                ? inventory.at("Source", "Reason").text("no GPU was found")
                : states;
    }

    private Json device(Json inventory) {
        return inventory.at("Devices").items().stream()
                .filter(device -> device.at("Id").text().equals(gpu))
                .findFirst()
                .orElse(Json.NULL);
    }

    /** MiB of its memory in use: what the vendor's tool says now, or where that cannot be asked the agent's last reading. */
    private OptionalDouble memoryUsed() throws CliException, IOException {
        if (target.smi().isPresent() && !target.isSimulated()) {
            SmiTool tool = new SmiTool(target.smi().get(), target.smiEnvironment());
            for (Map<String, String> row : tool.query("gpu", List.of(SmiComparison.UUID, MEMORY))) {
                String used = row.getOrDefault(MEMORY, "");
                if (gpu.equals(row.get(SmiComparison.UUID)) && used.matches("[0-9]{1,9}")) {
                    return OptionalDouble.of(Integer.parseInt(used));
                }
            }
            return OptionalDouble.empty();
        }
        Json used = device(settled(cli)).at("Metrics", "DCGM_FI_DEV_FB_USED");
        return used.isNull() ? OptionalDouble.empty() : OptionalDouble.of(used.decimal());
    }

    /** The same, waited for: an agent that has just started has read nothing yet. */
    private OptionalDouble memoryUsed(double most) throws CliException, IOException {
        long end = System.nanoTime() + DEADLINE_NS;
        OptionalDouble used = memoryUsed();
        while (used.orElse(Double.MAX_VALUE) > most && System.nanoTime() - end < 0) {
            LockSupport.parkNanos(100 * POLL_NS);
            used = memoryUsed();
        }
        return used;
    }

    private Map<String, Json> request() {
        Map<String, Json> request = new LinkedHashMap<>();
        request.put("Driver", Json.of("nvidia"));
        request.put("DeviceIDs", Json.texts(List.of(gpu)));
        request.put(
                "Capabilities", Json.of(List.of(Json.texts(List.of("gpu", "compute", "utility")))));
        return Map.of("DeviceRequests", Json.of(List.of(Json.of(request))));
    }

    /** Device nodes, nvidia-smi and metrics, while a container holds the device. */
    private void holder(Json inventory) throws CliException, IOException {
        List<String> paths = NodeCheck.files(inventory).stream().map(NodeFolder::inside).toList();
        Map<String, Json> all =
                Map.of("DeviceCgroupRules", Json.texts(List.of("c *:* rwm", "b *:* rwm")));
        ProbeContainer control =
                ProbeContainer.startIn(cli, root.path(), HOLDER + "-control", nodes, all, paths);
        NodeReport everything = control.nextReport();
        control.remove();
        ProbeContainer holder =
                ProbeContainer.startIn(cli, root.path(), HOLDER, nodes, request(), paths);
        NodeCheck.judge(inventory, gpu, holder.nextReport(), everything, report);
        listing(holder);
        metrics();
        holder.remove();
    }

    private void listing(ProbeContainer holder) throws CliException, IOException {
        if (target.smi().isEmpty()) {
            report.skip(Area.CONTAINER, "nvidia-smi -L", "no nvidia-smi on this machine");
            return;
        }
        if (root.lacks().isPresent() && !target.isSimulated()) {
            report.skip(Area.CONTAINER, "nvidia-smi -L", root.lacks().get());
            return;
        }
        String output = holder.exec(List.of("/usr/bin/nvidia-smi", "-L")).strip();
        Set<String> seen =
                UUID.matcher(output)
                        .results()
                        .map(found -> found.group())
                        .collect(Collectors.toSet());
        report.judge(Area.CONTAINER, "nvidia-smi -L", seen.equals(Set.of(gpu)), output);
    }

    private void metrics() throws CliException, IOException {
        long end = System.nanoTime() + DEADLINE_NS;
        String wanted = "container=\"" + HOLDER + "\"";
        List<String> lines = List.of();
        while (lines.isEmpty() && System.nanoTime() - end < 0) {
            try (Response response = cli.client().get(Query.of("/metrics"))) {
                lines =
                        response.text()
                                .lines()
                                .filter(line ->
                                        line.startsWith("DCGM_FI_DEV_")
                                                && line.contains(gpu)
                                                && line.contains(wanted))
                                .toList();
            }
            LockSupport.parkNanos(POLL_NS);
        }
        report.judge(
                Area.CONTAINER,
                "metrics",
                lines.stream().anyMatch(line -> line.startsWith("DCGM_FI_DEV_FB_USED{")),
                lines.size() + " of the GPU with its container's name");
    }

    private void cuda() throws CliException, IOException {
        if (root.lacks().isPresent()) {
            report.skip(Area.CUDA, "everything", root.lacks().get());
            return;
        }
        Once program =
                Once.create(cli, root.path(), HOLDER + "-cuda", request(), List.of(HostRoot.CUDA));
        Once.Ended ended = program.run();
        program.remove();
        report.fact("Cuda", Json.of(ended.output()));
        if (ended.code() == NO_LIBCUDA && !target.hasCuda()) {
            report.skip(
                    Area.CUDA,
                    "everything",
                    "no libcuda.so.1 below "
                            + target.driverRoot()
                            + "; our program ran in the container and said so");
            return;
        }
        report.addAll(CudaOutput.of(ended.output()).judge(Area.CUDA, Set.of(gpu), ended.code()));
    }

    private void hygiene(OptionalDouble before) throws CliException, IOException {
        long began = System.nanoTime();
        Json device = device(settled(cli));
        long took = System.nanoTime() - began;
        String state = device.at("State").text();
        report.judge(
                Area.AFTER,
                "verified clean",
                state.equals("FREE"),
                state.equals("FREE")
                        ? String.format(Locale.ROOT, "free again after %.0f ms", took / 1e6)
                        : state + " " + device.at("Reason").text());
        if (before.isEmpty()) {
            report.skip(
                    Area.AFTER,
                    "memory at its baseline",
                    "the driver does not say how much is in use");
            return;
        }
        OptionalDouble after = memoryUsed(before.getAsDouble() + MEMORY_TOLERANCE_MIB);
        report.judge(
                Area.AFTER,
                "memory at its baseline",
                after.isPresent()
                        && after.getAsDouble() <= before.getAsDouble() + MEMORY_TOLERANCE_MIB,
                String.format(
                        Locale.ROOT,
                        "%.0f MiB in use, %.0f MiB before",
                        after.orElse(-1),
                        before.getAsDouble()));
    }

    /** By turns, so that what slows the machine slows both. */
    private void starts() throws CliException, IOException {
        List<String> command = List.of(HostRoot.PROBE, "nodes");
        Once with = Once.create(cli, root.path(), HOLDER + "-with", request(), command);
        Once without = Once.create(cli, root.path(), HOLDER + "-without", Map.of(), command);
        List<Long> withNs = new ArrayList<>();
        List<Long> withoutNs = new ArrayList<>();
        for (int i = -COLD_STARTS; i < STARTS; i++) {
            long plain = without.run().startNs();
            // A start waits for a device that is being verified: that is not what is timed.
            settled(cli);
            long granted = with.run().startNs();
            if (i >= 0) {
                withoutNs.add(plain);
                withNs.add(granted);
            }
        }
        with.remove();
        without.remove();
        report.timing(Area.START, new Timing("start without a GPU", withoutNs));
        report.timing(Area.START, new Timing("start with a GPU", withNs));
    }
}
