package dev.berth.gpu.driver;

import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.DeviceTable.DriverFacts;
import dev.berth.gpu.PciAddress;
import dev.berth.gpu.Topology;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerId;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.process.HelperCommand;
import dev.berth.linux.process.HelperProcess;
import dev.berth.linux.process.HelperResult;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;

/** A host with an NVIDIA driver, in a directory: about sixty real ELF files made by gcc, firmware, configuration, and {@code /proc/driver/nvidia} of some GPUs. */
public final class DriverRootFixture {
    public static final String VERSION = "580.65.06";
    private static final Duration PATIENCE = Duration.ofSeconds(120);

    public final Path root;
    public final DeviceTable table;

    private DriverRootFixture(Path root, DeviceTable table) {
        this.root = root;
        this.table = table;
    }

    /** Makes one below {@code directory}, with so many GPUs. */
    public static DriverRootFixture make(Path directory, int gpus)
            throws IOException, ErrnoException {
        Path root = Files.createDirectories(directory.resolve("host"));
        Path script = directory.resolve("driver-root.sh");
        try (InputStream in = DriverRootFixture.class.getResourceAsStream("driver-root.sh")) {
            Files.copy(java.util.Objects.requireNonNull(in), script);
        }
        run("/bin/sh", script.toString(), root.toString(), VERSION);
        Path proc = Files.createDirectories(root.resolve("proc/driver/nvidia"));
        Files.writeString(
                proc.resolve("version"),
                "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  "
                        + VERSION
                        + "  Release Build  (root@build)\nGCC version:  gcc version 12.2.0\n");
        Files.writeString(
                proc.resolve("params"), "ResmanDebugLevel: 4294967295\nModifyDeviceFiles: 1\n");
        Files.writeString(proc.resolve("registry"), "Binary: \"\"\n");
        List<Device> devices = new ArrayList<>();
        for (int i = 0; i < gpus; i++) {
            devices.add(gpu(proc, i));
        }
        trust(root);
        return new DriverRootFixture(root, table(devices));
    }

    private static Device gpu(Path proc, int i) throws IOException {
        PciAddress pci = new PciAddress(0, 0x10 + i, 0, 0);
        DeviceId id = new DeviceId("GPU-00000000-0000-0000-0000-00000000000" + i);
        Path directory = Files.createDirectories(proc.resolve("gpus/" + pci));
        Files.writeString(
                directory.resolve("information"),
                "Model: \t\t NVIDIA H100\nGPU UUID: \t " + id + "\nDevice Minor: \t " + i + "\n");
        return new Device(
                id,
                i,
                "NVIDIA H100",
                OptionalInt.of(i),
                Optional.of(pci),
                OptionalInt.empty(),
                "",
                80L << 30,
                List.of(node("/dev/nvidia" + i, 195, i)),
                Map.of());
    }

    private static DeviceTable table(List<Device> devices) {
        return new DeviceTable(
                1,
                "nvidia.com/gpu",
                new DriverFacts(VERSION, "", "13.0", "fixture"),
                devices,
                Topology.of(devices.size()),
                List.of(node("/dev/nvidiactl", 195, 255), node("/dev/nvidia-uvm", 510, 0)),
                List.of(node("/dev/nvidia-modeset", 195, 254)));
    }

    private static DeviceNode node(String path, int major, int minor) {
        return new DeviceNode(path, 'c', major, minor, 0666, 0, 0, "rw");
    }

    /**
     * The view of it.
     *
     * @param trees false: as on a kernel that cannot clone detached trees
     */
    public DriverView open(Path scratch, boolean trees) throws DeviceException {
        return DriverView.open(Linux.host(), root, root, scratch, Set.of(0), trees);
    }

    /** A grant of the devices with these indices. */
    public DeviceGrant grant(int... indices) {
        List<DeviceId> ids = new ArrayList<>();
        for (int i : indices) {
            ids.add(table.devices().get(i).id());
        }
        return new DeviceGrant(
                new ContainerId("ab".repeat(32)), table.resourceName(), table.generation(), ids);
    }

    /** What is left of another user's rights, whatever the umask. */
    public static void trust(Path root) throws IOException, ErrnoException {
        run("/bin/chmod", "-R", "go-w", root.toString());
    }

    /** Runs a program to its end, which must be a good one. */
    public static String run(String... argv) throws ErrnoException {
        HelperResult result =
                HelperProcess.run(
                        Linux.host(),
                        HelperCommand.of(
                                argv[0], List.of(argv), Map.of("PATH", "/usr/bin:/bin:/usr/sbin")),
                        new byte[0],
                        PATIENCE,
                        1 << 20);
        if (!result.succeeded()) {
            throw new AssertionError(String.join(" ", argv) + ": " + result.describe());
        }
        return new String(result.output(), java.nio.charset.StandardCharsets.UTF_8);
    }

    /** The regular files below a directory. */
    public static long files(Path directory) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            return all.filter(p -> Files.isRegularFile(p, java.nio.file.LinkOption.NOFOLLOW_LINKS))
                    .count();
        }
    }
}
