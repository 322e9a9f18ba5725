package dev.berth.isolator.standard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.isolator.Capability;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.MountSpec;
import dev.berth.isolator.ContainerConfig.MountSpec.Bind;
import dev.berth.isolator.ContainerConfig.MountSpec.Tmpfs;
import dev.berth.isolator.ContainerConfig.Namespaces;
import dev.berth.isolator.ContainerConfig.Namespaces.NetworkMode;
import dev.berth.isolator.ContainerConfig.ProcessSpec;
import dev.berth.isolator.ContainerConfig.Rlimit;
import dev.berth.isolator.ContainerConfig.Security;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchOp;
import dev.berth.isolator.LaunchOp.Node;
import dev.berth.isolator.MountAttr;
import dev.berth.isolator.Namespace;
import dev.berth.isolator.ResourceLimits;
import dev.berth.isolator.SafePath;
import dev.berth.isolator.Slot;
import dev.berth.isolator.seccomp.Architecture;
import dev.berth.isolator.seccomp.SeccompCompiler;
import dev.berth.linux.Linux;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

class StandardIsolatorsTest {
    private static final Namespaces OWN =
            new Namespaces(
                    NetworkMode.NONE,
                    Optional.empty(),
                    Optional.empty(),
                    false,
                    false,
                    false,
                    false);

    private ProcessSpec process =
            new ProcessSpec(
                    List.of("/bin/true"),
                    List.of(),
                    "/",
                    0,
                    0,
                    List.of(),
                    OptionalInt.empty(),
                    List.of());
    private List<MountSpec> mounts = List.of();
    private Namespaces namespaces = OWN;
    private Map<String, String> sysctls = Map.of();
    private List<DeviceNode> devices = List.of();
    private Security security = security(false, Set.of("CHOWN", "cap_kill"), Set.of());
    private Map<String, String> files = Map.of();

    private static Security security(boolean privileged, Set<String> caps, Set<String> ambient) {
        return new Security(privileged, caps, ambient, "default", false, List.of(), List.of());
    }

    private ContainerConfig config() {
        return new ContainerConfig(
                new ContainerId("a".repeat(64)),
                process,
                false,
                mounts,
                namespaces,
                "host",
                "",
                sysctls,
                devices,
                List.of(),
                ResourceLimits.NONE,
                security,
                OptionalInt.empty(),
                1 << 20,
                false,
                false,
                false,
                0,
                0,
                files,
                List.of());
    }

    private List<LaunchOp> ops(long grantable, long nofile) throws IsolatorException {
        List<LaunchOp> ops = new ArrayList<>();
        for (Isolator isolator : isolators(grantable, nofile)) {
            ops.addAll(isolator.plan(config()).ops());
        }
        return ops;
    }

    private static List<Isolator> isolators(long grantable, long nofile) {
        return StandardIsolators.of(
                Linux.host(),
                grantable,
                nofile,
                new SeccompCompiler(Architecture.X86_64, "6.18.0"));
    }

    private <T extends LaunchOp> List<T> ops(Class<T> kind) throws IsolatorException {
        return ops(Capability.ALL, 4096).stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    private Set<Slot> slots() throws IsolatorException {
        Set<Slot> slots = new LinkedHashSet<>();
        for (Isolator isolator : isolators(Capability.ALL, 4096)) {
            slots.addAll(isolator.plan(config()).slots());
        }
        return slots;
    }

    private void refused(String message) {
        assertThatThrownBy(() -> ops(Capability.ALL, 4096))
                .isInstanceOf(IsolatorException.class)
                .hasMessageContaining(message);
    }

    private static Bind bind(String target) {
        return new Bind("/src", target, false, false, true, "", false, false, false);
    }

    private List<String> targets() throws IsolatorException {
        return ops(LaunchOp.AttachMount.class).stream().map(o -> o.target().value()).toList();
    }

    @Test
    void mountsComeInTheirOrder() throws Exception {
        mounts = List.of(bind("/b"), new Tmpfs("/a", 0, 0755, 0, 0, false, false));
        files = Map.of("/etc/hosts", "hosts");
        assertThat(targets())
                .containsExactly(
                        "/dev",
                        "/dev/pts",
                        "/proc",
                        "/sys",
                        "/sys/fs/cgroup",
                        "/dev/mqueue",
                        "/dev/shm",
                        "/b",
                        "/a",
                        "/etc/hosts");
        assertThat(slots())
                .containsExactlyInAnyOrder(Slot.NETNS, Slot.ROOT, Slot.bind(0), Slot.file("hosts"));
    }

    @Test
    void aMountOfTheUsersReplacesTheDefaultOneAndWhatIsBelow() throws Exception {
        mounts = List.of(bind("/dev"), bind("/sys/fs/cgroup/"), bind("/etc/../etc/hosts"));
        files = Map.of("/etc/hosts", "hosts");
        assertThat(targets())
                .containsExactly("/proc", "/sys", "/dev", "/sys/fs/cgroup", "/etc/hosts");
        assertThat(slots()).doesNotContain(Slot.file("hosts"));
    }

    @Test
    void mountsOverProcAreRefused() throws Exception {
        for (String bad :
                List.of("/proc", "/proc/sys", "/proc/self/attr", "//proc/./sysrq-trigger")) {
            mounts = List.of(bind(bad));
            refused("on or below /proc");
        }
        mounts = List.of(bind("/proc/cpuinfo"), bind("/processes"));
        assertThat(targets()).contains("/proc/cpuinfo", "/processes");
    }

    @Test
    void pathsThatCannotBeAreRefused() {
        mounts = List.of(bind("/"));
        refused("mount over the root");
        mounts = List.of(bind("relative"));
        refused("must be absolute: relative");
        mounts = List.of(bind("/a\0b"));
        refused("holds a NUL");
        mounts = List.of();
        process =
                new ProcessSpec(
                        List.of(), List.of(), "/", 0, 0, List.of(), OptionalInt.empty(), List.of());
        refused("no command");
    }

    @Test
    void safePathsAreClean() {
        assertThat(new SafePath("//a/./b/../c/").value()).isEqualTo("/a/c");
        assertThat(new SafePath("/../../etc").value()).isEqualTo("/etc");
        assertThat(new SafePath("/").relative()).isEqualTo(".");
        assertThat(new SafePath("/a/b").within(new SafePath("/a"))).isTrue();
        assertThat(new SafePath("/ab").within(new SafePath("/a"))).isFalse();
        assertThat(new SafePath("/x").within(new SafePath("/"))).isTrue();
    }

    @Test
    void onlySysctlsOfOwnNamespacesAreSet() throws Exception {
        sysctls = Map.of("net.core.somaxconn", "1", "kernel.shmmax", "2", "fs.mqueue.msg_max", "3");
        assertThat(ops(LaunchOp.SetSysctl.class)).hasSize(3);
        for (String bad :
                List.of(
                        "kernel.core_pattern",
                        "vm.swappiness",
                        "kernel.domainname",
                        "user.max_user_namespaces")) {
            sysctls = Map.of(bad, "1");
            refused("is not of a namespace");
        }
        for (String bad :
                List.of("net", "net.core/../../kernel.core_pattern", "../x", "net.a b", "")) {
            sysctls = Map.of(bad, "1");
            refused("not the name of a sysctl");
        }
        sysctls = Map.of("kernel.shm_rmid_forced", "1\nkernel.core_pattern=|/x");
        refused("control characters");
        sysctls = Map.of("net.core.somaxconn", "1");
        namespaces =
                new Namespaces(
                        NetworkMode.HOST,
                        Optional.empty(),
                        Optional.empty(),
                        false,
                        true,
                        false,
                        false);
        refused("this one is shared");
        sysctls = Map.of("kernel.shmmax", "1");
        refused("this one is shared");
    }

    @Test
    void namespacesAreMadeJoinedOrLeft() throws Exception {
        namespaces =
                new Namespaces(
                        NetworkMode.HOST,
                        Optional.of("x"),
                        Optional.of("y"),
                        false,
                        false,
                        true,
                        true);
        Set<Namespace> made = new LinkedHashSet<>();
        for (Isolator isolator : isolators(Capability.ALL, 1)) {
            made.addAll(isolator.plan(config()).namespaces());
        }
        assertThat(made).containsExactly(Namespace.MOUNT);
        assertThat(slots()).containsExactlyInAnyOrder(Slot.ROOT, Slot.PIDNS, Slot.IPCNS);
        assertThat(ops(LaunchOp.SetHostname.class)).isEmpty();
        assertThat(ops(LaunchOp.UnshareCgroup.class)).isEmpty();
    }

    @Test
    void capabilitiesAreWhatWasAskedForAndCanBeGiven() throws Exception {
        LaunchOp.CapabilitySets root = capabilities(Capability.ALL);
        long both = Capability.CHOWN.bit() | Capability.KILL.bit();
        assertThat(root).isEqualTo(new LaunchOp.CapabilitySets(both, both, both, 0, 0));
        assertThat(capabilities(Capability.KILL.bit()).bounding()).isEqualTo(Capability.KILL.bit());
        process =
                new ProcessSpec(
                        List.of("x"),
                        List.of(),
                        "/",
                        7,
                        8,
                        List.of(9),
                        OptionalInt.empty(),
                        List.of());
        assertThat(capabilities(Capability.ALL))
                .isEqualTo(new LaunchOp.CapabilitySets(both, 0, 0, 0, 0));
        security = security(false, Set.of("CHOWN"), Set.of("CHOWN", "NET_RAW"));
        long chown = Capability.CHOWN.bit();
        assertThat(capabilities(Capability.ALL))
                .isEqualTo(new LaunchOp.CapabilitySets(chown, chown, chown, chown, chown));
        security = security(true, Set.of(), Set.of());
        assertThat(capabilities(1L << 50 | 7).bounding()).isEqualTo(1L << 50 | 7);
        security = security(false, Set.of("CHOWNS"), Set.of());
        refused("unknown capability CHOWNS");
    }

    private LaunchOp.CapabilitySets capabilities(long grantable) throws IsolatorException {
        return ops(grantable, 1).stream()
                .filter(o -> o instanceof LaunchOp.SetCredentials)
                .map(o -> ((LaunchOp.SetCredentials) o).capabilities())
                .findFirst()
                .orElseThrow();
    }

    @Test
    void openFilesAreNotTheAgents() throws Exception {
        LaunchOp.SetRlimit limit = ops(LaunchOp.SetRlimit.class).getFirst();
        assertThat(limit.soft()).isEqualTo(1024);
        assertThat(limit.hard()).isEqualTo(4096);
        process =
                new ProcessSpec(
                        List.of("x"),
                        List.of(),
                        "/",
                        0,
                        0,
                        List.of(),
                        OptionalInt.empty(),
                        List.of(new Rlimit(7, "RLIMIT_NOFILE", 10, 20, true)));
        assertThat(ops(LaunchOp.SetRlimit.class)).hasSize(1);
        assertThat(ops(LaunchOp.SetRlimit.class).getFirst().soft()).isEqualTo(10);
    }

    @Test
    void devicesHaveTheirDirectories() throws Exception {
        devices =
                List.of(
                        new DeviceNode("/dev/a/b/c", 'c', 1, 2, 0600, 0, 0, "r"),
                        new DeviceNode("/dev/null", 'c', 9, 9, 0600, 0, 0, "r"),
                        new DeviceNode("/opt/x", 'b', 1, 2, 0600, 0, 0, "r"));
        List<Node> nodes =
                ops(LaunchOp.MakeFilesystem.class).stream()
                        .filter(f -> f.name().equals(LaunchOp.DEV))
                        .findFirst()
                        .orElseThrow()
                        .nodes();
        assertThat(nodes).extracting(Node::path).containsSubsequence("a", "a/b", "a/b/c");
        assertThat(nodes)
                .filteredOn(n -> n.path().equals("null"))
                .containsExactly(new Node.Device("null", 'c', 9, 9, 0600, 0, 0));
        assertThat(ops(LaunchOp.MakeDevice.class))
                .extracting(o -> o.path().value())
                .containsExactly("/opt/x");
        devices =
                List.of(
                        new DeviceNode("/dev/a", 'c', 1, 2, 0600, 0, 0, "r"),
                        new DeviceNode("/dev/a/b", 'c', 1, 2, 0600, 0, 0, "r"));
        refused("/dev/a is a device node and the directory of another");
    }

    @Test
    void privilegedIsUnconfinedAndWritable() throws Exception {
        security = security(true, Set.of(), Set.of());
        assertThat(ops(LaunchOp.InstallSeccomp.class)).isEmpty();
        assertThat(ops(LaunchOp.MakeFilesystem.class))
                .filteredOn(f -> f.type().equals("sysfs") || f.type().equals("cgroup2"))
                .hasSize(2)
                .allSatisfy(f -> assertThat(f.attributes()).doesNotContain(MountAttr.READ_ONLY));
        security = security(false, Set.of(), Set.of());
        assertThat(ops(LaunchOp.InstallSeccomp.class)).hasSize(1);
    }
}
