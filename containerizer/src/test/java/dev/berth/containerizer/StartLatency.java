package dev.berth.containerizer;

import dev.berth.containerizer.Containerizer.ContainerEvent;
import dev.berth.containerizer.Containerizer.RootSource;
import dev.berth.containerizer.launch.LaunchTimeline.Stage;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.IsolatorException;
import dev.berth.linux.ErrnoException;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Measures start to exit at the containerizer's interface, in a row, and where the time goes: a program for profiling, not a test. */
public final class StartLatency {
    private StartLatency() {}

    /** Argument: how many starts are measured, after as many for warming up. */
    public static void main(String[] arguments) throws Exception {
        int count = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 500;
        Path directory = Files.createTempDirectory("berth-latency");
        String parent = "berth-latency-" + ProcessHandle.current().pid();
        try (ContainerizerKit kit = new ContainerizerKit(directory, parent)) {
            kit.recover(List.of());
            long[] exits = new long[count];
            Map<String, List<Long>> stages = new LinkedHashMap<>();
            for (int i = -count; i < count; i++) {
                measure(kit, i, count, exits, stages);
            }
            Arrays.sort(exits);
            StringBuilder out = new StringBuilder();
            out.append(
                    String.format(
                            Locale.ROOT,
                            "start to exit: p50 %d us, p90 %d us, p99 %d us%n",
                            exits[count / 2] / 1000,
                            exits[count * 9 / 10] / 1000,
                            exits[count * 99 / 100] / 1000));
            stages.forEach((name, values) -> {
                values.sort(Long::compare);
                out.append(
                        String.format(
                                Locale.ROOT,
                                "%26s p50 %6d us  p90 %6d us%n",
                                name,
                                values.get(values.size() / 2) / 1000,
                                values.get(values.size() * 9 / 10) / 1000));
            });
            System.err.print(out);
            kit.until("an empty cgroup tree", () -> removeTree(kit));
        }
    }

    private static boolean removeTree(ContainerizerKit kit) {
        try {
            return kit.cgroups.removeTree();
        } catch (IsolatorException e) {
            throw new AssertionError(e);
        }
    }

    private static void measure(
            ContainerizerKit kit, int i, int count, long[] exits, Map<String, List<Long>> stages)
            throws ContainerizerException, ErrnoException {
        ContainerId id = ContainerizerKit.id("a" + Integer.toHexString(i + count) + "b");
        ContainerConfig config = ContainerizerKit.config(id, "/probe", "true");
        kit.containerizer.prepareRoot(id, new RootSource.Directory(kit.root.toString()));
        kit.containerizer.prepareStart(config);
        kit.until("a network namespace", () -> kit.containerizer.readyNetworkNamespaces() > 0);
        long begin = System.nanoTime();
        kit.containerizer.start(config, ContainerizerKit.LOG);
        ContainerEvent.Started started = kit.await(ContainerEvent.Started.class, id);
        kit.await(ContainerEvent.Exited.class, id);
        long end = System.nanoTime();
        if (i >= 0) {
            exits[i] = end - begin;
            for (Stage stage : started.timeline().stages()) {
                stages.computeIfAbsent(stage.name(), _ -> new ArrayList<>())
                        .add(stage.atNs() - begin);
            }
            stages.computeIfAbsent("EXITED delivered", _ -> new ArrayList<>()).add(end - begin);
        }
        kit.containerizer.removeRoot(id);
    }
}
