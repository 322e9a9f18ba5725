package dev.berth.gpu.proc;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

final class HostParsersTest {
    @TempDir Path root;

    @Test
    void majorsAreOfTheCharacterDevicesOnly() {
        CharMajors majors = CharMajors.parse(SampleHost.DEVICES);
        assertThat(majors.of("nvidia")).hasValue(195);
        assertThat(majors.of("nvidia-uvm")).hasValue(510);
        assertThat(majors.of("loop")).isEmpty();
        assertThat(majors.of("nvidia-uvm-block")).isEmpty();
    }

    @Test
    void anOlderDriverIsFoundByItsOldNameAndAnUnlistedOneByItsFixedNumber() throws IOException {
        SampleHost host = new SampleHost(root);
        host.text("proc/devices", "Character devices:\n196 nvidia-frontend\n");
        assertThat(NvidiaNodes.read(new HostFiles(root)).gpu(0).getFirst().major()).isEqualTo(196);
        host.text("proc/devices", "Character devices:\n");
        assertThat(NvidiaNodes.read(new HostFiles(root)).gpu(0)).isEmpty();
        host.text("proc/driver/nvidia/version", "x");
        assertThat(NvidiaNodes.read(new HostFiles(root)).gpu(7).getFirst())
                .extracting("path", "major", "minor", "mode")
                .containsExactly("/dev/nvidia7", 195, 7, 0666);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023|535.104.05",
                "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build|580.65.06",
                "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  610.57  Release|610.57",
                "NVRM version: none|''",
                "''|''",
            })
    void theDriversVersionIsFound(String text, String version) {
        assertThat(GpuSearch.version(text)).isEqualTo(version);
    }

    @Test
    void noNoiseBreaksAnyParser() throws IOException {
        Random random = new Random(5);
        List<String> texts =
                new ArrayList<>(
                        List.of(
                                "",
                                "\n",
                                ":",
                                "\0",
                                "a:b\n".repeat(100_000),
                                "x".repeat(2_000_000),
                                ":".repeat(1_000_000),
                                " ".repeat(500_000)));
        for (int i = 0; i < 5_000; i++) {
            byte[] bytes = new byte[random.nextInt(300)];
            random.nextBytes(bytes);
            texts.add(new String(bytes, StandardCharsets.UTF_8));
        }
        String information =
                "Model: \t\t NVIDIA\nGPU UUID: \t GPU-0\nBus Location: \t 0000:01:00.0\nDevice Minor: \t 99999999999\n";
        for (int end = 0; end <= information.length(); end++) {
            texts.add(information.substring(0, end));
            texts.add(SampleHost.DEVICES.substring(0, Math.min(end, SampleHost.DEVICES.length())));
        }
        for (String text : texts) {
            CharMajors.parse(text);
            NvidiaNodes.parameters(text);
            GpuSearch.version(text);
            GpuInformation.parse("0000:01:00.0", text).orElseThrow().id();
            GpuInformation.parse(text, text);
        }
    }

    @Test
    void aHostOfNoiseIsAHostWithoutGpus() throws IOException {
        SampleHost host = new SampleHost(root);
        Random random = new Random(6);
        for (String path :
                List.of(
                        "proc/devices",
                        "proc/driver/nvidia/version",
                        "proc/driver/nvidia/params",
                        "proc/driver/nvidia/capabilities/x/y",
                        "proc/driver/nvidia/gpus/zzzz/information",
                        "proc/driver/nvidia/gpus/0000:01:00.0/information",
                        "sys/bus/pci/devices/0000:01:00.0/class")) {
            byte[] bytes = new byte[2000];
            random.nextBytes(bytes);
            host.text(path, new String(bytes, StandardCharsets.ISO_8859_1));
        }
        host.text("proc/driver/nvidia/gpus/file", "not a directory");
        assertThat(new GpuSearch(new HostFiles(root)).run(1).devices()).isEmpty();
    }

    @Test
    void linesOfAStreamAreWholeWhereverItIsCut() {
        Random random = new Random(8);
        for (int round = 0; round < 500; round++) {
            List<String> expected = new ArrayList<>();
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < 20; i++) {
                String line = "z".repeat(random.nextInt(30));
                text.append(line).append('\n');
                if (line.length() <= 20) {
                    expected.add(line);
                }
            }
            List<String> lines = new ArrayList<>();
            LineBuffer buffer = new LineBuffer(20, lines::add);
            byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
            for (int from = 0; from < bytes.length; ) {
                int to = Math.min(bytes.length, from + 1 + random.nextInt(40));
                buffer.add(java.util.Arrays.copyOfRange(bytes, from, to));
                from = to;
            }
            assertThat(lines).isEqualTo(expected);
        }
    }
}
