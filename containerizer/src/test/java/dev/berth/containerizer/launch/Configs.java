package dev.berth.containerizer.launch;

import dev.berth.isolator.Capability;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.MountSpec;
import dev.berth.isolator.ContainerConfig.Namespaces;
import dev.berth.isolator.ContainerConfig.Namespaces.NetworkMode;
import dev.berth.isolator.ContainerConfig.ProcessSpec;
import dev.berth.isolator.ContainerConfig.Rlimit;
import dev.berth.isolator.ContainerConfig.Security;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.ExecConfig;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.LaunchPlan;
import dev.berth.isolator.ResourceLimits;
import dev.berth.isolator.Slot;
import dev.berth.isolator.seccomp.Architecture;
import dev.berth.isolator.seccomp.SeccompCompiler;
import dev.berth.isolator.standard.StandardIsolators;
import dev.berth.linux.Linux;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Configurations to plan, changed step by step from Docker's defaults. */
final class Configs {
    static final List<String> MASKED =
            List.of(
                    "/proc/acpi",
                    "/proc/asound",
                    "/proc/interrupts",
                    "/proc/kcore",
                    "/proc/keys",
                    "/proc/latency_stats",
                    "/proc/sched_debug",
                    "/proc/scsi",
                    "/proc/timer_list",
                    "/proc/timer_stats",
                    "/sys/devices/virtual/powercap",
                    "/sys/firmware");
    static final List<String> READ_ONLY =
            List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger");
    static final ContainerId ID =
            new ContainerId("3f2a" + "0123456789abcdef".repeat(3) + "0123456789ab");
    static final LaunchSettings SETTINGS = new LaunchSettings("exit", "monitor.sock", true, 0, 1);

    List<String> argv = List.of("sh", "-c", "id");
    List<String> env = List.of("PATH=/usr/bin:/bin", "HOME=/root");
    String cwd = "/";
    int uid;
    int gid;
    List<Integer> groups = List.of();
    List<Rlimit> rlimits = List.of();
    boolean readOnlyRoot;
    List<MountSpec> mounts = List.of();
    Namespaces namespaces = namespaces(NetworkMode.NONE);
    String hostname = "box";
    Map<String, String> sysctls = Map.of();
    List<DeviceNode> devices = List.of();
    boolean privileged;
    Set<String> capabilities = Capability.DOCKER_DEFAULTS;
    Set<String> ambient = Set.of();
    String seccomp = SeccompCompiler.DEFAULT;
    boolean noNewPrivileges;
    List<String> masked = MASKED;
    List<String> readOnly = READ_ONLY;
    OptionalInt oomScoreAdj = OptionalInt.empty();
    boolean init;
    boolean tty;
    boolean openStdin;
    Map<String, String> hostsFiles = Map.of();

    static Namespaces namespaces(NetworkMode network) {
        return new Namespaces(
                network, Optional.empty(), Optional.empty(), false, false, false, false);
    }

    ProcessSpec process() {
        return new ProcessSpec(argv, env, cwd, uid, gid, groups, OptionalInt.empty(), rlimits);
    }

    Security security() {
        return new Security(
                privileged, capabilities, ambient, seccomp, noNewPrivileges, masked, readOnly);
    }

    ContainerConfig build() {
        return new ContainerConfig(
                ID,
                process(),
                readOnlyRoot,
                mounts,
                namespaces,
                hostname,
                "",
                sysctls,
                devices,
                List.of(),
                ResourceLimits.NONE,
                security(),
                oomScoreAdj,
                64L << 20,
                init,
                tty,
                openStdin,
                24,
                80,
                hostsFiles,
                List.of());
    }

    /** The isolators of a host that is always the same, whatever machine the test runs on. */
    static List<Isolator> isolators() {
        return StandardIsolators.of(
                Linux.host(),
                Capability.ALL,
                1_048_576,
                new SeccompCompiler(Architecture.X86_64, "6.18.0"));
    }

    LaunchPlan plan() throws IsolatorException, IsolatorException {
        return plan(isolators(), true);
    }

    LaunchPlan plan(List<Isolator> isolators, boolean cgroup)
            throws IsolatorException, IsolatorException {
        ContainerConfig config = build();
        Map<String, LaunchContribution> contributions = new LinkedHashMap<>();
        if (cgroup) {
            contributions.put("cgroup2", LaunchContribution.builder().slot(Slot.CGROUP).build());
        }
        for (Isolator isolator : isolators) {
            contributions.put(isolator.name(), isolator.plan(config));
        }
        return LaunchPlanner.merge(ID.value(), false, contributions);
    }

    LaunchPlan planExec(boolean terminal) throws IsolatorException, IsolatorException {
        return planExec(isolators(), terminal, true);
    }

    LaunchPlan planExec(List<Isolator> isolators, boolean terminal, boolean cgroup)
            throws IsolatorException, IsolatorException {
        ContainerConfig config = build();
        ExecConfig exec =
                new ExecConfig(
                        "e".repeat(64), process(), security(), terminal, false, !terminal, 24, 80);
        Map<String, LaunchContribution> contributions = new LinkedHashMap<>();
        if (cgroup) {
            contributions.put("cgroup2", LaunchContribution.builder().slot(Slot.CGROUP).build());
        }
        for (Isolator isolator : isolators) {
            contributions.put(isolator.name(), isolator.planExec(config, exec));
        }
        return LaunchPlanner.merge(exec.id(), true, contributions);
    }

    static LaunchProgram lower(LaunchPlan plan) throws IsolatorException {
        LaunchSettings settings =
                plan.exec() ? new LaunchSettings("e.exit", "e.sock", false, 0, 1) : SETTINGS;
        return LaunchProgram.lower(
                plan, settings, slot -> slot.name().startsWith("FILE_"), Abi.X86_64);
    }

    /** Copies of one element. */
    static <T> List<T> times(int n, java.util.function.IntFunction<T> make) {
        List<T> all = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            all.add(make.apply(i));
        }
        return all;
    }
}
