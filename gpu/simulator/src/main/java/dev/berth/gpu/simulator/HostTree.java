package dev.berth.gpu.simulator;

import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.FileMode;
import dev.berth.linux.Linux;
import dev.berth.linux.Statx;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** Writes what a host with these GPUs shows of itself in {@code /proc}, {@code /sys} and {@code /dev}. A file is replaced as a whole and only when it changes: a container may have it mounted. */
final class HostTree {
    private static final int GPU_INSTANCES = 15;
    private static final int COMPUTE_INSTANCES = 8;
    private static final int MIG_GPUS = 32;

    private final Linux linux;
    private final Path root;

    HostTree(Linux linux, Path root) {
        this.linux = linux;
        this.root = root;
    }

    /** Takes another machine's facts away. */
    void clear() throws IOException {
        for (String part : List.of("proc", "sys", "dev", "usr")) {
            Path top = root.resolve(part);
            if (Files.exists(top, LinkOption.NOFOLLOW_LINKS)) {
                try (Stream<Path> found = Files.walk(top)) {
                    for (Path path : found.sorted(Comparator.reverseOrder()).toList()) {
                        Files.delete(path);
                    }
                }
            }
        }
    }

    void write(Machine machine, SimulatedMajors majors) throws IOException, ErrnoException {
        text("proc/devices", majors.merged());
        procDriver(machine);
        migMinors(machine);
        text("sys/module/nvidia/version", machine.driver() + "\n");
        for (Machine.Board board : machine.gpus()) {
            pciDevice(machine, board);
        }
        for (String pci : machine.switches()) {
            pci(pci, "0x22a3", "0x068000", -1, "");
        }
        kmsg();
        nodes(machine, majors);
    }

    private void procDriver(Machine machine) throws IOException {
        String at = "proc/driver/nvidia/";
        text(
                at + "version",
                "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  "
                        + machine.driver()
                        + "  Release Build  (simulated by Berth)\nGCC version:  none\n");
        text(at + "params", PARAMS);
        text(at + "registry", "Binary: \"\"\n");
        for (Machine.Board board : machine.gpus()) {
            String gpu = at + "gpus/" + board.pci() + "/";
            text(gpu + "information", information(machine, board));
            text(gpu + "registry", "Binary: \"\"\n");
        }
        if (!machine.model().mig().isEmpty()) {
            text(at + "capabilities/mig/config", capability(1, 256));
            text(at + "capabilities/mig/monitor", capability(2, 292));
            for (Machine.Board board : machine.gpus()) {
                Files.createDirectories(
                        root.resolve(at + "capabilities/gpu" + board.minor() + "/mig"));
            }
        }
    }

    private static final String PARAMS =
            """
            ResmanDebugLevel: 4294967295
            RmLogonRC: 1
            ModifyDeviceFiles: 1
            DeviceFileUID: 0
            DeviceFileGID: 0
            DeviceFileMode: 438
            InitializeSystemMemoryAllocations: 1
            UsePageAttributeTable: 4294967295
            EnableMSI: 1
            EnablePCIeGen3: 0
            MemoryPoolSize: 0
            IgnoreMMIOCheck: 0
            EnableStreamMemOPs: 0
            EnableUserNUMAManagement: 1
            NvLinkDisable: 0
            ImexChannelCount: 2048
            CreateImexChannel0: 0
            RegistryDwords: ""
            RmMsg: ""
            ExcludedGpus: ""
            """;

    private static String information(Machine machine, Machine.Board board) {
        return String.format(
                Locale.ROOT,
                """
                Model: \t\t %s
                IRQ:   \t\t %d
                GPU UUID: \t %s
                Video BIOS: \t %s
                Bus Type: \t PCIe
                DMA Size: \t 52 bits
                DMA Mask: \t 0xfffffffffffff
                Bus Location: \t %s
                Device Minor: \t %d
                GPU Excluded:\t No
                """,
                machine.model().name(),
                90 + board.minor(),
                board.uuid(),
                machine.model().videoBios(),
                board.pci(),
                board.minor());
    }

    private static String capability(int minor, int mode) {
        return "DeviceFileMinor: "
                + minor
                + "\nDeviceFileMode: "
                + mode
                + "\nDeviceFileModify: 1\n";
    }

    /** All that could ever be, as the driver lists them: the numbers follow a rule of the open kernel module. */
    private void migMinors(Machine machine) throws IOException {
        String at = "proc/driver/nvidia-caps/";
        if (!machine.switches().isEmpty()) {
            text(at + "nvlink-minors", "fabric-mgmt 0\n");
        }
        if (machine.model().mig().isEmpty()) {
            return;
        }
        StringBuilder lines = new StringBuilder("config 1\nmonitor 2\n");
        int minor = 3;
        for (int gpu = 0; gpu < MIG_GPUS; gpu++) {
            for (int gi = 0; gi < GPU_INSTANCES; gi++) {
                String instance = "gpu" + gpu + "/gi" + gi;
                lines.append(instance).append("/access ").append(minor++).append('\n');
                for (int ci = 0; ci < COMPUTE_INSTANCES; ci++) {
                    lines.append(instance + "/ci" + ci + "/access " + minor++ + "\n");
                }
            }
        }
        text(at + "mig-minors", lines.toString());
    }

    private void pciDevice(Machine machine, Machine.Board board) throws IOException {
        pci(board.pci(), machine.model().pciDevice(), "0x030200", board.numaNode(), board.cpus());
        text(
                "sys/bus/pci/devices/" + board.pci() + "/subsystem_device",
                machine.model().pciSubsystem() + "\n");
    }

    private void pci(String address, String device, String kind, int numaNode, String cpus)
            throws IOException {
        String at = "sys/bus/pci/devices/" + address + "/";
        text(at + "vendor", "0x10de\n");
        text(at + "device", device + "\n");
        text(at + "subsystem_vendor", "0x10de\n");
        text(at + "class", kind + "\n");
        text(at + "numa_node", numaNode + "\n");
        text(at + "local_cpulist", cpus + "\n");
        text(at + "current_link_speed", "32.0 GT/s PCIe\n");
        text(at + "current_link_width", "16\n");
        text(at + "max_link_speed", "32.0 GT/s PCIe\n");
        text(at + "max_link_width", "16\n");
        text(at + "reset_method", "flr bus\n");
        text(at + "enable", "1\n");
        String driver = kind.startsWith("0x03") ? "nvidia" : "nvidia-nvswitch";
        Files.createDirectories(root.resolve("sys/bus/pci/drivers/" + driver));
        link(root.resolve(at + "driver"), "../../drivers/" + driver);
    }

    /** A FIFO: records go to whoever reads at the time, and a reader that opens it for reading and writing never sees its end. */
    private void kmsg() throws IOException, ErrnoException {
        Path path = root.resolve("dev/kmsg");
        Files.createDirectories(parent(path));
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            linux.files().mknodat(Fd.CWD, path.toString(), FileMode.S_IFIFO | 0600, 0);
        }
    }

    /** The nodes that a host has. Without the right to make them (no root) there are none; containers get theirs from their agent either way. */
    private void nodes(Machine machine, SimulatedMajors majors) throws IOException, ErrnoException {
        int uvm = majors.names().getOrDefault("nvidia-uvm", 0);
        boolean made =
                node("nvidiactl", SimulatedMajors.NVIDIA, 255)
                        && node("nvidia-modeset", SimulatedMajors.NVIDIA, 254)
                        && node("nvidia-uvm", uvm, 0)
                        && node("nvidia-uvm-tools", uvm, 1);
        if (!made) {
            return;
        }
        for (Machine.Board board : machine.gpus()) {
            node("nvidia" + board.minor(), SimulatedMajors.NVIDIA, board.minor());
        }
        if (!machine.model().mig().isEmpty()) {
            int caps = majors.names().getOrDefault("nvidia-caps", 0);
            node("nvidia-caps/nvidia-cap1", caps, 1);
            node("nvidia-caps/nvidia-cap2", caps, 2);
        }
        int switches = majors.names().getOrDefault("nvidia-nvswitch", 0);
        for (int i = 0; i < machine.switches().size(); i++) {
            node("nvidia-nvswitch" + i, switches, i);
        }
        if (!machine.switches().isEmpty()) {
            node("nvidia-nvswitchctl", switches, 255);
            node("nvidia-nvlink", majors.names().getOrDefault("nvidia-nvlink", 0), 0);
        }
    }

    private boolean node(String name, int major, int minor) throws IOException, ErrnoException {
        Path path = root.resolve("dev").resolve(name);
        Files.createDirectories(parent(path));
        long number = Statx.makedev(major, minor);
        var found = linux.files().statx(Fd.CWD, path.toString(), 0);
        if (found.isPresent() && found.get().rdev() == number) {
            return true;
        }
        Files.deleteIfExists(path);
        try {
            linux.files().mknodat(Fd.CWD, path.toString(), FileMode.S_IFCHR | 0666, number);
            linux.files().fchmodat(Fd.CWD, path.toString(), 0666);
            return true;
        } catch (ErrnoException e) {
            if (e.errno() == Errno.EPERM) {
                return false;
            }
            throw e;
        }
    }

    private void text(String path, String content) throws IOException {
        replace(root.resolve(path), content.getBytes(StandardCharsets.UTF_8), "rw-r--r--");
    }

    /** A program or library of this jar. */
    void program(String resource, Path to) throws IOException {
        try (InputStream in = HostTree.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException(
                        resource
                                + " is not in the jar: build gpu/simulator on "
                                + System.getProperty("os.arch").toLowerCase(Locale.ROOT));
            }
            replace(to, in.readAllBytes(), "rwxr-xr-x");
        }
    }

    private static void replace(Path path, byte[] content, String mode) throws IOException {
        if (Files.isRegularFile(path) && Arrays.equals(Files.readAllBytes(path), content)) {
            return;
        }
        Files.createDirectories(parent(path));
        Path fresh = path.resolveSibling(path.getFileName() + ".new");
        Files.write(fresh, content);
        Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString(mode));
        Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
    }

    void link(Path path, String target) throws IOException {
        Path to = Path.of(target);
        if (Files.isSymbolicLink(path) && Files.readSymbolicLink(path).equals(to)) {
            return;
        }
        Files.createDirectories(parent(path));
        Files.deleteIfExists(path);
        Files.createSymbolicLink(path, to);
    }

    private static Path parent(Path path) {
        Path parent = path.getParent();
        if (parent == null) {
            throw new IllegalArgumentException("no folder: " + path);
        }
        return parent;
    }
}
