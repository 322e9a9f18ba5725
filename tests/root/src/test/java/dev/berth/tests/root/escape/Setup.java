package dev.berth.tests.root.escape;

import dev.berth.isolator.Capability;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.MountSpec;
import dev.berth.isolator.ContainerConfig.Namespaces;
import dev.berth.isolator.ContainerConfig.Namespaces.NetworkMode;
import dev.berth.isolator.ContainerConfig.ProcessSpec;
import dev.berth.isolator.ContainerConfig.Security;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.ResourceLimits;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** A container of Docker's defaults, changed step by step. */
final class Setup {

    final List<String> argv;
    Optional<Path> root = Optional.empty();
    String cwd = "/";
    final List<MountSpec> mounts = new ArrayList<>();

    /** Attached after {@link #mounts}. */
    final List<MountSpec> late = new ArrayList<>();

    final List<DeviceNode> devices = new ArrayList<>();
    Map<String, String> sysctls = Map.of();
    NetworkMode network = NetworkMode.NONE;
    boolean hostPid;
    boolean tty;

    private Setup(List<String> argv) {
        this.argv = argv;
    }

    /** The probe with these commands. */
    static Setup probe(String... commands) {
        List<String> argv = new ArrayList<>(List.of("/probe"));
        argv.addAll(List.of(commands));
        return new Setup(argv);
    }

    static Setup program(String... argv) {
        return new Setup(List.of(argv));
    }

    Setup bind(Path source, String target) {
        mounts.add(
                new MountSpec.Bind(
                        source.toString(),
                        target,
                        false,
                        false,
                        false,
                        "rprivate",
                        false,
                        false,
                        false));
        return this;
    }

    Setup root(Path directory) {
        root = Optional.of(directory);
        return this;
    }

    Setup cwd(String path) {
        cwd = path;
        return this;
    }

    static ProcessSpec process(List<String> argv, String cwd) {
        return new ProcessSpec(
                argv, List.of("PATH=/bin:/"), cwd, 0, 0, List.of(), OptionalInt.empty(), List.of());
    }

    static Security security() {
        return new Security(
                false,
                Capability.DOCKER_DEFAULTS,
                Set.of(),
                "default",
                false,
                List.of("/proc/interrupts", "/proc/kcore", "/proc/keys", "/sys/firmware"),
                List.of("/proc/bus", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"));
    }

    ContainerConfig config(ContainerId id) {
        List<MountSpec> all = new ArrayList<>(mounts);
        all.addAll(late);
        return new ContainerConfig(
                id,
                process(argv, cwd),
                false,
                all,
                new Namespaces(
                        network, Optional.empty(), Optional.empty(), hostPid, false, false, false),
                "victim",
                "",
                sysctls,
                List.copyOf(devices),
                List.of(),
                ResourceLimits.NONE,
                security(),
                OptionalInt.empty(),
                65536,
                false,
                tty,
                false,
                0,
                0,
                Map.of(),
                List.of());
    }
}
