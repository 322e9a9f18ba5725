package dev.berth.gpu.proc;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The files of a host with GPUs below a directory, as the driver and sysfs write them. */
public final class SampleHost {
    static final String DEVICES =
            """
            Character devices:
              1 mem
            195 nvidia
            195 nvidia-modeset
            195 nvidiactl
            234 nvidia-nvlink
            235 nvidia-caps
            236 nvidia-caps-imex-channels
            510 nvidia-uvm
            511 nvidia-nvswitch

            Block devices:
              7 loop
            510 nvidia-uvm-block
            """;

    private final Path root;

    public SampleHost(Path root) {
        this.root = root;
    }

    public Path root() {
        return root;
    }

    public void text(String path, String content) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, content, StandardCharsets.UTF_8);
    }

    /** The driver without a GPU. */
    public SampleHost driver() throws IOException {
        text("proc/devices", DEVICES);
        text(
                "proc/driver/nvidia/version",
                "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs-builder)\nGCC version:\n");
        text(
                "proc/driver/nvidia/params",
                "ModifyDeviceFiles: 1\nDeviceFileUID: 0\nDeviceFileGID: 44\nDeviceFileMode: 432\n");
        text(
                "proc/driver/nvidia/capabilities/mig/config",
                "DeviceFileMinor: 1\nDeviceFileMode: 256\nDeviceFileModify: 1\n");
        text(
                "proc/driver/nvidia/capabilities/mig/monitor",
                "DeviceFileMinor: 2\nDeviceFileMode: 292\nDeviceFileModify: 1\n");
        text("dev/kmsg", "");
        return this;
    }

    /** One GPU; {@code bridges} as in sysfs, such as {@code pci0000:3a/0000:3a:00.0}. */
    public SampleHost gpu(String pci, String uuid, int minor, int numaNode, String bridges)
            throws IOException {
        text(
                "proc/driver/nvidia/gpus/" + pci + "/information",
                """
                Model: \t\t NVIDIA H100 80GB HBM3
                IRQ:   \t\t 90
                GPU UUID: \t %s
                Video BIOS: \t 96.00.89.00.01
                Bus Type: \t PCIe
                DMA Size: \t 52 bits
                DMA Mask: \t 0xfffffffffffff
                Bus Location: \t %s
                Device Minor: \t %d
                GPU Excluded:\t No
                """
                        .formatted(uuid, pci, minor));
        String at = "sys/devices/" + bridges + "/" + pci;
        text(at + "/vendor", "0x10de\n");
        text(at + "/class", "0x030200\n");
        text(at + "/numa_node", numaNode + "\n");
        text(
                at + "/local_cpulist",
                numaNode < 0 ? "\n" : numaNode * 16 + "-" + (numaNode * 16 + 15) + "\n");
        Path link = root.resolve("sys/bus/pci/devices/" + pci);
        Files.createDirectories(link.getParent());
        Files.createSymbolicLink(link, Path.of("../../../devices/" + bridges + "/" + pci));
        return this;
    }

    static String uuid(int i) {
        return "GPU-00000000-0000-0000-0000-%012d".formatted(i);
    }

    /** Four on two sockets: two beneath one switch, one beneath another of the same root port, one far away. */
    public SampleHost four() throws IOException {
        driver();
        gpu("0000:3b:00.0", uuid(0), 0, 0, "pci0000:3a/0000:3a:00.0/0000:3b:00.0.up/0000:3c:00.0");
        gpu("0000:3d:00.0", uuid(1), 1, 0, "pci0000:3a/0000:3a:00.0/0000:3b:00.0.up/0000:3c:01.0");
        gpu("0000:5e:00.0", uuid(2), 2, 0, "pci0000:5d/0000:5d:02.0");
        gpu("0000:af:00.0", uuid(3), 3, 1, "pci0000:ae/0000:ae:00.0");
        return this;
    }

    static List<String> bridges(String path) {
        return List.of(path.split("/"));
    }
}
