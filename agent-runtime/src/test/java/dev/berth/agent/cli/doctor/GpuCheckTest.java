package dev.berth.agent.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.agent.cli.doctor.Finding.State;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

class GpuCheckTest {
    @TempDir Path root;

    private void write(String path, String text) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text, StandardCharsets.UTF_8);
    }

    private State state(String name) {
        for (Finding finding : GpuCheck.check(root)) {
            if (finding.name().equals(name)) {
                assertThat(finding.state() == State.PRESENT || !finding.fix().isEmpty())
                        .as("a fix for " + name)
                        .isTrue();
                return finding.state();
            }
        }
        throw new AssertionError("no finding " + name);
    }

    private void board() throws IOException {
        write("sys/bus/pci/devices/0000:1b:00.0/vendor", "0x10de\n");
        write("sys/bus/pci/devices/0000:1b:00.0/class", "0x030200\n");
    }

    private void driver() throws IOException {
        board();
        write(
                "proc/driver/nvidia/version",
                "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build\n");
        write("proc/driver/nvidia/gpus/0000:1b:00.0/information", "Model: \t NVIDIA H100\n");
        write("proc/devices", "Character devices:\n  1 mem\n195 nvidia\n");
    }

    @Test
    void aHostWithoutAnyIsTwoLines() {
        assertThat(GpuCheck.check(root))
                .extracting(Finding::name)
                .containsExactly("NVIDIA GPU", "simulated GPUs");
        assertThat(state("NVIDIA GPU")).isEqualTo(State.MISSING);
        assertThat(state("simulated GPUs")).isEqualTo(State.PRESENT);
    }

    @Test
    void aBoardWithoutADriverSaysSo() throws IOException {
        board();
        assertThat(state("NVIDIA driver")).isEqualTo(State.MISSING);
        assertThat(GpuCheck.check(root).get(0).detail()).isEqualTo("1 on PCI, no driver for them");
    }

    @Test
    void aWholeHostHasAllButTheSimulator() throws IOException {
        driver();
        for (String node : List.of("nvidia0", "nvidiactl", "nvidia-uvm")) {
            write("dev/" + node, "");
        }
        write("usr/lib64/libnvidia-ml.so.580.65.06", "");
        Files.createSymbolicLink(
                root.resolve("usr/lib64/libnvidia-ml.so.1"), Path.of("libnvidia-ml.so.580.65.06"));
        write("run/nvidia-persistenced/socket", "");
        assertThat(state("NVIDIA driver")).isEqualTo(State.PRESENT);
        assertThat(state("device nodes")).isEqualTo(State.PRESENT);
        assertThat(state("NVML library")).isEqualTo(State.PRESENT);
        assertThat(state("/proc/driver/nvidia")).isEqualTo(State.PRESENT);
        assertThat(state("nvidia-persistenced")).isEqualTo(State.PRESENT);
        assertThat(state("simulated GPUs")).isEqualTo(State.MISSING);
        assertThat(GpuCheck.check(root)).noneMatch(Finding::stopsContainers);
    }

    @Test
    void whatIsNotWholeIsNamed() throws IOException {
        driver();
        write("usr/lib/x86_64-linux-gnu/libnvidia-ml.so.570.1.2", "");
        Files.createSymbolicLink(
                root.resolve("usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1"),
                Path.of("libnvidia-ml.so.570.1.2"));
        assertThat(state("device nodes")).isEqualTo(State.PARTIAL);
        assertThat(state("NVML library")).isEqualTo(State.PARTIAL);
        assertThat(state("nvidia-persistenced")).isEqualTo(State.PARTIAL);
        Files.delete(root.resolve("usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1"));
        assertThat(state("NVML library")).isEqualTo(State.MISSING);
    }
}
