package dev.berth.agent.cli.doctor;

import dev.berth.agent.cli.doctor.Finding.Area;
import dev.berth.agent.cli.doctor.Finding.State;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Real GPUs from the kernel's files alone (asking NVML may hang where a driver is ill), and whether simulated ones can be had. */
final class GpuCheck {
    private static final String NVIDIA = "0x10de";
    private static final Pattern VERSION = Pattern.compile("\\b(\\d{3,}\\.\\d+(?:\\.\\d+)?)\\b");
    private static final List<String> LIBRARY_FOLDERS =
            List.of(
                    "usr/lib/x86_64-linux-gnu",
                    "usr/lib/aarch64-linux-gnu",
                    "usr/lib64",
                    "usr/lib",
                    "usr/lib/wsl/lib");

    private final Path root;
    private final List<Finding> findings = new ArrayList<>();

    private GpuCheck(Path root) {
        this.root = root;
    }

    /** @param root the host's file system, {@code /} */
    static List<Finding> check(Path root) {
        GpuCheck check = new GpuCheck(root);
        check.all();
        return check.findings;
    }

    private void all() {
        int boards = boards();
        Optional<String> driver = firstMatch(root.resolve("proc/driver/nvidia/version"), VERSION);
        boolean registered = registered();
        if (boards == 0 && driver.isEmpty() && !registered) {
            findings.add(
                    Finding.of(
                            Area.GPUS,
                            "NVIDIA GPU",
                            false,
                            "none on PCI, no driver",
                            "no container can have a real GPU",
                            "to try without one: berth agent --gpus sim:8xH100"));
        } else {
            findings.add(
                    Finding.of(
                            Area.GPUS,
                            "NVIDIA driver",
                            driver.isPresent(),
                            driver.isPresent()
                                    ? driver.get() + ", " + boards + " on PCI"
                                    : boards + " on PCI, no driver for them",
                            "GPUs are not found",
                            "install NVIDIA's driver for this kernel, then: modprobe nvidia"));
            nodes();
            library(driver);
            procView();
            persistence();
        }
        simulator(registered);
    }

    private int boards() {
        int count = 0;
        for (Path device : entries(root.resolve("sys/bus/pci/devices"))) {
            if (text(device.resolve("vendor")).strip().equals(NVIDIA)
                    && text(device.resolve("class")).startsWith("0x03")) {
                count++;
            }
        }
        return count;
    }

    /** Whether a driver owns NVIDIA's fixed major number. */
    private boolean registered() {
        return text(root.resolve("proc/devices"))
                .lines()
                .anyMatch(line -> line.strip().matches("195 nvidia.*"));
    }

    private void nodes() {
        List<String> there = new ArrayList<>();
        for (Path node : entries(root.resolve("dev"))) {
            String name = String.valueOf(node.getFileName());
            if (name.matches("nvidia([0-9]+|ctl|-uvm)")) {
                there.add(name);
            }
        }
        boolean all =
                there.contains("nvidiactl")
                        && there.contains("nvidia-uvm")
                        && there.stream().anyMatch(name -> name.matches("nvidia[0-9]+"));
        findings.add(
                new Finding(
                        Area.GPUS,
                        "device nodes",
                        all ? State.PRESENT : State.PARTIAL,
                        false,
                        there.isEmpty() ? "none" : String.join(" ", there),
                        all ? "" : "nothing: the agent makes nodes for its containers itself",
                        all ? "" : "for other programs: nvidia-modprobe -c 0 -u"));
    }

    private void library(Optional<String> driver) {
        for (String folder : LIBRARY_FOLDERS) {
            Path library = root.resolve(folder).resolve("libnvidia-ml.so.1");
            if (Files.exists(library)) {
                Optional<String> version = versionOf(library);
                boolean matches = driver.isEmpty() || version.isEmpty() || version.equals(driver);
                findings.add(
                        new Finding(
                                Area.GPUS,
                                "NVML library",
                                matches ? State.PRESENT : State.PARTIAL,
                                false,
                                "/"
                                        + root.relativize(library)
                                        + (version.isPresent() ? " (" + version.get() + ")" : ""),
                                matches
                                        ? ""
                                        : "NVML refuses to work with a driver of another version ("
                                                + driver.orElse("")
                                                + "); the agent finds GPUs in /proc and tells no figures",
                                matches ? "" : "reboot, or reload the driver after its update"));
                return;
            }
        }
        findings.add(
                Finding.of(
                        Area.GPUS,
                        "NVML library",
                        false,
                        "libnvidia-ml.so.1 not found",
                        "no figures, no NVLink, no verification of memory: GPUs are found in /proc alone",
                        "install the driver's libraries (Debian: libnvidia-ml1), or berth agent --driver-root DIR"));
    }

    private static Optional<String> versionOf(Path library) {
        try {
            Matcher version =
                    Pattern.compile("libnvidia-ml\\.so\\.(\\d{3,}\\.\\d+(?:\\.\\d+)?)$")
                            .matcher(library.toRealPath().toString());
            return version.find() ? Optional.of(version.group(1)) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private void procView() {
        int gpus = entries(root.resolve("proc/driver/nvidia/gpus")).size();
        findings.add(
                Finding.of(
                        Area.GPUS,
                        "/proc/driver/nvidia",
                        gpus > 0,
                        gpus + (gpus == 1 ? " GPU" : " GPUs"),
                        "GPUs are found by NVML alone: while it hangs there is no second source",
                        "modprobe nvidia; in a container, run the agent on the host"));
    }

    private void persistence() {
        boolean there =
                Files.exists(root.resolve("run/nvidia-persistenced/socket"))
                        || Files.exists(root.resolve("var/run/nvidia-persistenced/socket"));
        findings.add(
                new Finding(
                        Area.GPUS,
                        "nvidia-persistenced",
                        there ? State.PRESENT : State.PARTIAL,
                        false,
                        there ? "runs" : "does not run",
                        there
                                ? ""
                                : "nothing while an agent runs, which keeps GPUs awake; other programs wait seconds for a cold one",
                        there ? "" : "systemctl enable --now nvidia-persistenced"));
    }

    private void simulator(boolean registered) {
        boolean usable = !registered && System.getProperty("os.arch", "").equals("amd64");
        findings.add(
                Finding.of(
                        Area.GPUS,
                        "simulated GPUs",
                        usable,
                        usable ? "berth agent --gpus sim:8xH100" : "",
                        "berth agent --gpus sim:… is refused",
                        registered
                                ? "a real driver owns major 195 here: use the real GPUs, or a machine without a driver"
                                : "use an x86-64 machine"));
    }

    private static Optional<String> firstMatch(Path file, Pattern pattern) {
        Matcher matcher = pattern.matcher(text(file));
        return matcher.find() ? Optional.of(matcher.group(1)) : Optional.empty();
    }

    private static List<Path> entries(Path folder) {
        List<Path> all = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
            stream.forEach(all::add);
        } catch (IOException e) {
            // Not there: nothing in it.
        }
        Collections.sort(all);
        return all;
    }

    /** A file's text, empty when it cannot be read. */
    private static String text(Path file) {
        try {
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }
}
