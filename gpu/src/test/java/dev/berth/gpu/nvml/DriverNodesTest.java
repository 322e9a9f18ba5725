package dev.berth.gpu.nvml;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.linux.Linux;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

class DriverNodesTest {
    @TempDir Path root;

    private void file(String path, String text) throws Exception {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private DriverNodes nodes() throws Exception {
        return new DriverNodes(Linux.host().files(), root);
    }

    @Test
    void numbersComeFromTheCharacterSectionOnly() {
        assertThat(
                        DriverNodes.characterMajors(
                                """
                                Character devices:
                                  1 mem
                                195 nvidia-frontend
                                510 nvidia-uvm
                                garbage
                                99999999999 nvidia-caps

                                Block devices:
                                  8 sd
                                511 nvidia-uvm-block
                                """))
                .containsOnlyKeys("mem", "nvidia-frontend", "nvidia-uvm")
                .containsEntry("nvidia-uvm", 510);
        assertThat(DriverNodes.characterMajors("")).isEmpty();
    }

    @Test
    void aHostWithoutTheDriverStillHasTheFixedNumber() throws Exception {
        assertThat(nodes().gpu(3))
                .isEqualTo(new DeviceNode("/dev/nvidia3", 'c', 195, 3, 0666, 0, 0, "rw"));
        assertThat(nodes().control().stream().map(DeviceNode::path))
                .containsExactly("/dev/nvidiactl");
        assertThat(nodes().withheld(Set.of()).stream().map(DeviceNode::path))
                .containsExactly("/dev/nvidia-modeset");
    }

    @Test
    void everythingOfABigHost() throws Exception {
        file(
                "proc/devices",
                """
                Character devices:
                195 nvidia
                195 nvidiactl
                234 nvidia-nvlink
                235 nvidia-caps
                236 nvidia-caps-imex-channels
                509 nvidia-uvm
                511 nvidia-nvswitch
                """);
        file(
                "proc/driver/nvidia-caps/mig-minors",
                "config 1\nmonitor 2\ngpu0/gi0/access 3\ngpu0/gi0/ci0/access 4\ngpu1/gi0/access 138\n");
        file("proc/driver/nvidia-caps/nvlink-minors", "fabric-mgmt 0\n");
        for (String address : new String[] {"0000:05:00.0", "0000:06:00.0"}) {
            file("sys/bus/pci/devices/" + address + "/vendor", "0x10de\n");
            file("sys/bus/pci/devices/" + address + "/class", "0x068000\n");
        }
        file("sys/bus/pci/devices/0000:07:00.0/vendor", "0x10de\n");
        file("sys/bus/pci/devices/0000:07:00.0/class", "0x030200\n");
        assertThat(nodes().control().stream().map(n -> n.path() + " " + n.major()))
                .containsExactly(
                        "/dev/nvidiactl 195", "/dev/nvidia-uvm 509", "/dev/nvidia-uvm-tools 509");
        assertThat(
                        nodes().withheld(Set.of(0)).stream()
                                .map(n -> n.path() + " " + n.major() + ":" + n.minor()))
                .containsExactly(
                        "/dev/nvidia-modeset 195:254",
                        "/dev/nvidia-caps/nvidia-cap0 235:0",
                        "/dev/nvidia-caps/nvidia-cap1 235:1",
                        "/dev/nvidia-caps/nvidia-cap2 235:2",
                        "/dev/nvidia-caps/nvidia-cap3 235:3",
                        "/dev/nvidia-caps/nvidia-cap4 235:4",
                        "/dev/nvidia-caps-imex-channels/channel0 236:0",
                        "/dev/nvidia-nvlink 234:0",
                        "/dev/nvidia-nvswitchctl 511:255",
                        "/dev/nvidia-nvswitch0 511:0",
                        "/dev/nvidia-nvswitch1 511:1");
    }
}
