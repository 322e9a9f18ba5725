package dev.berth.tests.root.gpu;

import dev.berth.containerizer.Containerizer.ContainerEvent;
import dev.berth.containerizer.Containerizer.RootSource;
import dev.berth.containerizer.ContainerizerKit;
import dev.berth.gpu.ContainerEdits;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.driver.DriverCapability;
import dev.berth.gpu.driver.DriverRootFixture;
import dev.berth.gpu.driver.DriverView;
import dev.berth.gpu.edits.EditsMerge;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.IsolatorException;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What a device adds to a start, at the containerizer's interface: a program for profiling, not a test. The variants take turns, so that what else the machine does falls on all alike. With "late" the edits are made and merged
 * within the measured time and the launch was prepared without them, as an agent does that grants at the start.
 */
public final class DriverStartLatency {
    private static final int MANY = 8;

    private final ContainerizerKit kit;
    private final DriverRootFixture driver;
    private int made;

    private DriverStartLatency(ContainerizerKit kit, DriverRootFixture driver) {
        this.kit = kit;
        this.driver = driver;
    }

    /** Times in nanoseconds, by when: started, ended, edits made. */
    private record Variant(String name, int gpus, boolean late, DriverView view, long[][] times) {}

    /** Argument: how many starts of each variant are measured, after half as many for warming up. */
    public static void main(String[] arguments) throws Exception {
        int count = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 300;
        Path directory = Files.createTempDirectory("berth-gpu-latency");
        DriverRootFixture driver = DriverRootFixture.make(directory, MANY);
        String parent = "berth-gpu-latency-" + ProcessHandle.current().pid();
        try (ContainerizerKit kit = new ContainerizerKit(directory, parent);
                DriverView trees = driver.open(directory.resolve("scratch"), true);
                DriverView binds = driver.open(directory.resolve("scratch"), false)) {
            kit.recover(List.of());
            List<Variant> variants = new ArrayList<>();
            variants.add(new Variant("no device", 0, false, trees, new long[3][count]));
            variants.add(new Variant("1, tree", 1, false, trees, new long[3][count]));
            variants.add(new Variant("8, tree", MANY, false, trees, new long[3][count]));
            variants.add(new Variant("1, binds", 1, false, binds, new long[3][count]));
            variants.add(new Variant("no device, late", 0, true, trees, new long[3][count]));
            variants.add(new Variant("1, tree, late", 1, true, trees, new long[3][count]));
            variants.add(new Variant("1, binds, late", 1, true, binds, new long[3][count]));
            DriverStartLatency latency = new DriverStartLatency(kit, driver);
            for (int i = -count / 2; i < count; i++) {
                for (Variant variant : variants) {
                    latency.measure(variant, i);
                }
            }
            variants.forEach(variant -> print(variant, count));
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

    private ContainerConfig with(Variant variant, ContainerConfig plain) throws DeviceException {
        if (variant.gpus() == 0) {
            return plain;
        }
        int[] indices = new int[variant.gpus()];
        Arrays.setAll(indices, i -> i);
        DeviceGrant grant = driver.grant(indices);
        ContainerEdits edits = variant.view().edits(driver.table, grant, DriverCapability.DEFAULT);
        return EditsMerge.apply(plain, edits);
    }

    private void measure(Variant variant, int i) throws Exception {
        ContainerId id = ContainerizerKit.id(String.format(Locale.ROOT, "%08xc", ++made));
        ContainerConfig plain = ContainerizerKit.config(id, "/probe", "true");
        kit.containerizer.prepareRoot(id, new RootSource.Directory(kit.root.toString()));
        ContainerConfig early = with(variant, plain);
        kit.containerizer.prepareStart(variant.late() ? plain : early);
        kit.until("a network namespace", () -> kit.containerizer.readyNetworkNamespaces() > 0);
        long begin = System.nanoTime();
        ContainerConfig config = variant.late() ? with(variant, plain) : early;
        long merged = System.nanoTime();
        kit.containerizer.start(config, ContainerizerKit.LOG);
        kit.await(ContainerEvent.Started.class, id);
        long started = System.nanoTime();
        kit.await(ContainerEvent.Exited.class, id);
        long ended = System.nanoTime();
        if (i >= 0) {
            variant.times()[0][i] = started - begin;
            variant.times()[1][i] = ended - begin;
            variant.times()[2][i] = merged - begin;
        }
        kit.containerizer.removeRoot(id);
    }

    private static void print(Variant variant, int count) {
        StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-16s", variant.name()));
        String[] names = {"started", "ended", "edits"};
        for (int i = 0; i < names.length; i++) {
            long[] times = variant.times()[i];
            Arrays.sort(times);
            line.append(
                    String.format(
                            Locale.ROOT,
                            "  %s p10 %5d p50 %5d p90 %5d us",
                            names[i],
                            times[count / 10] / 1000,
                            times[count / 2] / 1000,
                            times[count * 9 / 10] / 1000));
        }
        System.err.println(line);
    }
}
