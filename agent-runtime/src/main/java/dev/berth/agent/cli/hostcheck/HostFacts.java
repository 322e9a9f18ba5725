package dev.berth.agent.cli.hostcheck;

import dev.berth.agent.cli.hostcheck.Finding.Area;
import dev.berth.agent.cli.json.Json;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.process.HelperCommand;
import dev.berth.linux.process.HelperProcess;
import dev.berth.linux.process.HelperResult;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Kernel, sandbox, driver and device nodes, from files. */
final class HostFacts {
    /** What gVisor gives as the kernel's version, whatever its own is. */
    private static final String GVISOR_VERSION = "#1 SMP Sun Jan 10 15:06:54 PST 2016";

    private static final List<String> DMESG = List.of("/usr/bin/dmesg", "/bin/dmesg");

    private final Report report;

    private HostFacts(Report report) {
        this.report = report;
    }

    /** Tells them. */
    static void tell(Target target, Report report) {
        HostFacts facts = new HostFacts(report);
        facts.line("kernel", kernel("osrelease") + " " + kernel("version"));
        facts.line("sandbox", sandbox());
        facts.line("architecture", System.getProperty("os.arch", ""));
        Path root = target.hostRoot();
        facts.line("GPUs", target.isSimulated() ? "simulated: " + target.gpus() : "of this host");
        facts.line(
                "driver",
                text(root.resolve("proc/driver/nvidia/version"))
                        .lines()
                        .findFirst()
                        .orElse("no /proc/driver/nvidia/version"));
        facts.line("NVML library", target.library().map(Path::toString).orElse("none"));
        facts.line("majors", String.join(", ", majors(root)));
        facts.line("nodes", String.join(" ", nodes(Path.of("/dev"))));
    }

    private void line(String name, String value) {
        report.tell(Area.HOST, name, value.isEmpty() ? "none" : value);
        report.fact(name, Json.of(value));
    }

    /** Whether this kernel is gVisor's, where neither cgroups nor device programs exist. */
    static boolean isGvisor() {
        return kernel("version").equals(GVISOR_VERSION)
                || text(Path.of("/proc/version")).contains("gVisor")
                || dmesg().contains("gVisor");
    }

    private static String sandbox() {
        if (isGvisor()) {
            return "gVisor (runsc)";
        }
        boolean virtual =
                text(Path.of("/proc/cpuinfo"))
                        .lines()
                        .anyMatch(line -> line.startsWith("flags") && line.contains(" hypervisor"));
        return virtual ? "virtual machine" : "none seen";
    }

    private static String dmesg() {
        Optional<String> program =
                DMESG.stream().filter(path -> Files.isExecutable(Path.of(path))).findFirst();
        if (program.isEmpty()) {
            return "";
        }
        try {
            HelperResult result =
                    HelperProcess.run(
                            Linux.host(),
                            HelperCommand.of(program.get(), List.of("dmesg"), Map.of()),
                            new byte[0],
                            Duration.ofSeconds(5),
                            64 << 10);
            return new String(result.output(), StandardCharsets.UTF_8);
        } catch (ErrnoException e) {
            // Nothing to learn from it then.
            return "";
        }
    }

    /** Character majors of NVIDIA's drivers. */
    private static List<String> majors(Path root) {
        return text(root.resolve("proc/devices"))
                .lines()
                .map(String::strip)
                .filter(line -> line.contains("nvidia"))
                .distinct()
                .toList();
    }

    private static List<String> nodes(Path dev) {
        List<String> names = new ArrayList<>();
        for (Path directory : List.of(dev, dev.resolve("nvidia-caps"))) {
            try (DirectoryStream<Path> all = Files.newDirectoryStream(directory, "nvidia*")) {
                for (Path node : all) {
                    if (!Files.isDirectory(node)) {
                        names.add(dev.relativize(node).toString());
                    }
                }
            } catch (IOException e) {
                // Not there: no nodes in it.
            }
        }
        Collections.sort(names);
        return names;
    }

    private static String kernel(String name) {
        return text(Path.of("/proc/sys/kernel/" + name)).strip();
    }

    static String text(Path file) {
        try {
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }
}
