package dev.berth.tests.root.escape;

import dev.berth.isolator.Capability;
import dev.berth.isolator.ContainerConfig.DeviceRule;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.LaunchOp;
import dev.berth.isolator.LaunchOp.CapabilitySets;
import dev.berth.isolator.LaunchOp.SetCredentials;
import dev.berth.isolator.MountAttr;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** What the kernel would do for a container if it were let: system calls (CVE-2026-31431 and others), devices, files of {@code /proc} and {@code /sys}, capabilities (CVE-2022-24769). */
final class KernelEscapeTest extends AttackTest {
    private static final Defence FILTER = Defence.step("seccomp", LaunchOp.InstallSeccomp.class);
    private static final Defence FILTER_AND_CAPABILITIES =
            FILTER.and(
                    Defence.steps(
                            "capabilities",
                            op -> Optional.of(op instanceof SetCredentials c ? withAll(c) : op)));
    private static final Defence DEVICES =
            Defence.contributions(
                    "device program",
                    c -> {
                        List<DeviceRule> rules = new ArrayList<>(c.deviceRules());
                        rules.add(
                                new DeviceRule(
                                        true,
                                        'a',
                                        OptionalInt.empty(),
                                        OptionalInt.empty(),
                                        "rwm"));
                        return new LaunchContribution(
                                c.namespaces(), c.ops(), rules, c.env(), c.slots());
                    });

    @Override
    List<Attack> attacks() {
        return List.of(
                // Held by the filter alone.
                call("socket(AF_ALG)", FILTER, "41", "38", "5", "0"),
                call("unshare(CLONE_NEWUSER)", FILTER, "272", "0x10000000"),
                call("keyctl(KEYCTL_GET_KEYRING_ID)", FILTER, "250", "0", "-3", "1"),
                call("add_key", FILTER, "248", "0", "0", "0", "0", "0"),
                call("io_uring_setup", FILTER, "425", "1", "0"),
                foreign(),
                // Held by two walls; with both off the kernel itself answers.
                call(
                        "mount(tmpfs)",
                        FILTER_AND_CAPABILITIES,
                        "165",
                        "str:none",
                        "str:/tmp",
                        "str:tmpfs",
                        "0",
                        "0"),
                call("unshare(CLONE_NEWNS)", FILTER_AND_CAPABILITIES, "272", "0x20000"),
                call("bpf", FILTER_AND_CAPABILITIES, "321", "0", "0", "0"),
                call("kexec_load", FILTER_AND_CAPABILITIES, "246", "0", "99", "0", "0"),
                call("init_module", FILTER_AND_CAPABILITIES, "175", "0", "0", "0"),
                call("setns", FILTER_AND_CAPABILITIES, "308", "-1", "0"),
                call("open_by_handle_at", FILTER_AND_CAPABILITIES, "304", "-1", "0", "0"),
                call("pivot_root", FILTER_AND_CAPABILITIES, "155", "str:/no", "str:/no"),
                call("settimeofday", FILTER_AND_CAPABILITIES, "164", "1", "0"),
                node("make the host's memory", 'c', 1, 1),
                node("make a disk", 'b', 8, 0),
                shipped("open a GPU that the image ships", 'c', 195, 0),
                shipped("open FUSE that the image ships", 'c', 10, 229),
                refused(
                        "change a parameter of the host",
                        Defence.step("read-only paths", LaunchOp.ReadOnlyPath.class),
                        "EROFS",
                        "open",
                        "/proc/sys/vm/overcommit_memory",
                        "w"),
                refused(
                        "write to its cgroup",
                        Defence.steps("read-only cgroup", op -> Optional.of(writable(op))),
                        "EROFS",
                        "open",
                        "/sys/fs/cgroup/cgroup.procs",
                        "w"),
                new Attack(
                        "read what is masked",
                        Defence.step("masks", LaunchOp.MaskPath.class),
                        host -> {
                            EscapeHost.Outcome outcome =
                                    host.run(Setup.probe("cat", "/proc/interrupts"));
                            return outcome.text().isEmpty()
                                    ? Optional.empty()
                                    : Optional.of("it read " + outcome.text().length());
                        }),
                new Attack(
                        "inherit capabilities",
                        Defence.steps(
                                "empty inheritable set",
                                op ->
                                        Optional.of(
                                                op instanceof SetCredentials c
                                                        ? withInheritable(c)
                                                        : op)),
                        KernelEscapeTest::inherited));
    }

    /** All but CAP_SYS_RESOURCE, which root of a virtual machine may not have. */
    private static SetCredentials withAll(SetCredentials c) {
        long all = 0;
        for (Capability capability : Capability.values()) {
            all |= capability == Capability.SYS_RESOURCE ? 0 : capability.bit();
        }
        return new SetCredentials(
                c.why(),
                c.uid(),
                c.gid(),
                c.groups(),
                new CapabilitySets(all, all, all, 0, 0),
                c.noNewPrivileges());
    }

    private static SetCredentials withInheritable(SetCredentials c) {
        CapabilitySets sets = c.capabilities();
        return new SetCredentials(
                c.why(),
                c.uid(),
                c.gid(),
                c.groups(),
                new CapabilitySets(
                        sets.bounding(),
                        sets.permitted(),
                        sets.effective(),
                        sets.permitted(),
                        sets.ambient()),
                c.noNewPrivileges());
    }

    private static LaunchOp writable(LaunchOp op) {
        if (op instanceof LaunchOp.MakeFilesystem m && m.type().equals("cgroup2")) {
            Set<MountAttr> attributes = new HashSet<>(m.attributes());
            attributes.remove(MountAttr.READ_ONLY);
            return new LaunchOp.MakeFilesystem(
                    m.phase(), m.why(), m.name(), m.type(), m.options(), attributes, m.nodes());
        }
        return op;
    }

    /** The evidence is that the call was not refused for want of permission: it was done, failed for what its arguments are, or is not built into this kernel. */
    private static Attack call(String name, Defence defence, String... arguments) {
        return new Attack(
                name,
                defence,
                host -> {
                    List<String> commands = new ArrayList<>(List.of("syscall"));
                    commands.addAll(List.of(arguments));
                    return notRefused(
                            host.run(Setup.probe(commands.toArray(String[]::new))), "syscall");
                });
    }

    private static Optional<String> notRefused(EscapeHost.Outcome outcome, String key) {
        String answer = outcome.values(key).getFirst();
        return answer.equals("EPERM")
                ? Optional.empty()
                : Optional.of("the kernel answered " + answer);
    }

    /** getpid(2) of 32-bit programs, whose numbers a filter for 64-bit ones would take for other calls. */
    private static Attack foreign() {
        return new Attack(
                "int 0x80",
                FILTER,
                host -> {
                    EscapeHost.Outcome outcome = host.run(Setup.probe("foreign-call", "20"));
                    return outcome.values("foreign").equals(List.of("1"))
                            ? Optional.of("the kernel answered")
                            : Optional.empty();
                });
    }

    private static Attack node(String name, char type, int major, int minor) {
        return refused(
                name,
                DEVICES,
                "EPERM",
                "mknod",
                "/tmp/node",
                Character.toString(type),
                Integer.toString(major),
                Integer.toString(minor));
    }

    /** The node is there already; with the program off a node without a driver gives ENXIO, another OK. */
    private static Attack shipped(String name, char type, int major, int minor) {
        return new Attack(
                name,
                DEVICES,
                host -> {
                    host.makeNode("shipped", type, major, minor);
                    return unlike(
                            host.run(Setup.probe("open", "/shipped", "r")), "/shipped", "EPERM");
                });
    }

    private static Attack refused(String name, Defence defence, String error, String... command) {
        return new Attack(
                name, defence, host -> unlike(host.run(Setup.probe(command)), command[1], error));
    }

    private static Optional<String> unlike(EscapeHost.Outcome outcome, String key, String error) {
        String answer = outcome.values(key).getFirst();
        return answer.equals(error) ? Optional.empty() : Optional.of(key + ": " + answer);
    }

    private static Optional<String> inherited(EscapeHost host) throws Exception {
        ContainerId id = host.startReady(Setup.probe("report", "--", "sleep-until-signal"));
        EscapeHost.Outcome exec = host.exec(id, List.of("/probe", "report"), "/");
        EscapeHost.Outcome init = host.kill(id);
        List<String> sets = new ArrayList<>(init.values("cap_inh"));
        sets.addAll(exec.values("cap_inh"));
        if (sets.size() != 2) {
            throw new AssertionError("no report: " + init + exec);
        }
        sets.removeIf(s -> s.strip().matches("0+"));
        return sets.isEmpty() ? Optional.empty() : Optional.of("inheritable " + sets);
    }
}
