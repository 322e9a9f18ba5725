package dev.berth.isolator.cgroup2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchPlan;
import dev.berth.isolator.LimitChange;
import dev.berth.isolator.Limitation;
import dev.berth.isolator.ResourceLimits;
import dev.berth.isolator.Slot;
import dev.berth.isolator.Slots;
import dev.berth.isolator.Usage;
import dev.berth.linux.Linux;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

class Cgroup2ControlTest {
    private static final ContainerId ID = new ContainerId("ab".repeat(32));
    private static final ContainerId OTHER = new ContainerId("cd".repeat(32));
    private static final Set<String> EVERYTHING = Set.of("cpu", "cpuset", "memory", "io", "pids");
    private static final Clock CLOCK = Clock.fixed(Instant.ofEpochSecond(12, 34), ZoneOffset.UTC);

    @TempDir Path mount;
    private Map<Integer, String> descriptorsBefore;
    private final List<Cgroup2Control> opened = new ArrayList<>();

    @BeforeEach
    void count() throws Exception {
        try (Slots warm = new Slots()) {
            warm.fill(Slot.ROOT, Linux.host().files().eventfd());
        }
        descriptorsBefore = Linux.host().files().openDescriptors();
    }

    @AfterEach
    void nothingLeaks() throws Exception {
        opened.forEach(Cgroup2Control::close);
        assertThat(Linux.host().files().openDescriptors().keySet())
                .isSubsetOf(descriptorsBefore.keySet());
    }

    private Cgroup2Control open(FakeCgroupFs fs, FakeBpf bpf, Set<String> legacy) throws Exception {
        Cgroup2Hierarchy hierarchy =
                Cgroup2Hierarchy.open(fs.files(), fs.mounts(legacy), "berth-test");
        Cgroup2Control control = Cgroup2Control.open(fs.linux(bpf), hierarchy, CLOCK);
        opened.add(control);
        return control;
    }

    private Path cgroup(ContainerId id) {
        return mount.resolve("berth-test/c").resolve(id.value());
    }

    private static ResourceLimits limits(long memory, long pids, String... required) {
        return new ResourceLimits(
                OptionalLong.of(50_000),
                OptionalLong.empty(),
                OptionalLong.of(512),
                Optional.of("0"),
                Optional.empty(),
                OptionalLong.of(memory),
                OptionalLong.empty(),
                OptionalLong.empty(),
                OptionalLong.of(pids),
                OptionalLong.of(500),
                List.of(),
                Set.of(required));
    }

    static ContainerConfig config(ContainerId id, ResourceLimits limits) {
        return new ContainerConfig(
                id,
                new ContainerConfig.ProcessSpec(
                        List.of("/bin/true"),
                        List.of(),
                        "/",
                        0,
                        0,
                        List.of(),
                        OptionalInt.empty(),
                        List.of()),
                false,
                List.of(),
                new ContainerConfig.Namespaces(
                        ContainerConfig.Namespaces.NetworkMode.NONE,
                        Optional.empty(),
                        Optional.empty(),
                        false,
                        false,
                        false,
                        false),
                "host",
                "",
                Map.of(),
                List.of(),
                List.of(),
                limits,
                new ContainerConfig.Security(
                        false, Set.of(), Set.of(), "default", true, List.of(), List.of()),
                OptionalInt.empty(),
                64 << 20,
                false,
                false,
                false,
                0,
                0,
                Map.of(),
                List.of());
    }

    private static LaunchPlan plan(Isolator devices, ContainerConfig config)
            throws IsolatorException {
        return new LaunchPlan(
                config.id().value(),
                false,
                Set.of(),
                List.of(),
                devices.plan(config).deviceRules(),
                Map.of(),
                Set.of(Slot.CGROUP));
    }

    private void start(Cgroup2Control control, ContainerId id, ResourceLimits limits)
            throws Exception {
        ContainerConfig config = config(id, limits);
        LaunchPlan plan = plan(control.isolators().get(1), config);
        try (Slots slots = new Slots()) {
            for (Isolator isolator : control.isolators()) {
                isolator.acquire(config, plan, slots);
            }
            assertThat(slots.find(Slot.CGROUP)).isPresent();
        }
    }

    private String read(ContainerId id, String file) throws IOException {
        return Files.readString(cgroup(id).resolve(file)).trim();
    }

    @Test
    void limitsAreWrittenInOrderWithOneFilePerController() throws Exception {
        FakeCgroupFs fs = new FakeCgroupFs(mount, EVERYTHING);
        Cgroup2Control control = open(fs, new FakeBpf(), Set.of());
        assertThat(control.enforced())
                .containsExactlyInAnyOrder(
                        "cpu", "cpuset", "memory", "io", "pids", "devices", "freeze");
        assertThat(control.warnings()).isEmpty();
        fs.writes.clear();
        start(control, ID, limits(1 << 20, 100));
        String dir = "berth-test/c/" + ID + "/";
        assertThat(fs.writes)
                .containsExactly(
                        dir + "memory.oom.group = 1",
                        dir + "pids.max = 100",
                        dir + "memory.max = 1048576",
                        dir + "io.weight = 4950",
                        dir + "cpu.weight = 59",
                        dir + "cpu.max = 50000 100000",
                        dir + "cpuset.cpus = 0");
        update(control, limits(2 << 20, 50));
        assertThat(read(ID, "memory.max")).isEqualTo("2097152");
        assertThat(read(ID, "pids.max")).isEqualTo("50");
        update(control, limits(1 << 19, -1));
        assertThat(read(ID, "memory.max")).isEqualTo("524288");
        assertThat(read(ID, "pids.max")).isEqualTo("max");
        assertThat(control.remove(ID)).isTrue();
        assertThat(control.removeTree()).isTrue();
        assertThat(mount.resolve("berth-test")).doesNotExist();
    }

    private static void update(Cgroup2Control control, ResourceLimits limits) throws Exception {
        try (LimitChange change = control.isolators().getFirst().update(ID, limits)) {
            change.apply();
        }
    }

    @Test
    void hybridHostSaysWhatIsNotEnforcedAndRefusesWhatMustBe() throws Exception {
        FakeCgroupFs fs = new FakeCgroupFs(mount, Set.of("hugetlb", "pids"));
        Cgroup2Control control = open(fs, new FakeBpf(), Set.of("memory", "cpu", "blkio"));
        assertThat(control.enforced()).containsExactly("devices", "freeze", "pids");
        assertThat(control.warnings()).hasSize(4);
        assertThat(control.warnings().getFirst())
                .startsWith(
                        "memory limits are not enforced: the memory controller is mounted as cgroup v1 on this host")
                .contains("systemd.unified_cgroup_hierarchy=1");
        assertThat(control.warnings())
                .anyMatch(w -> w.startsWith("block I/O limits") && w.contains("blkio"));
        assertThat(control.warnings())
                .anyMatch(w ->
                        w.startsWith("cpuset bindings are not enforced: cgroup v2 has no cpuset"));
        assertThat(control.warnings(ResourceLimits.NONE)).isEmpty();
        assertThat(control.warnings(limits(1, 1))).hasSize(4);
        Isolator isolator = control.isolators().getFirst();
        assertThat(isolator.plan(config(ID, limits(1 << 20, 5))).slots())
                .containsExactly(Slot.CGROUP);
        assertThatThrownBy(() -> isolator.plan(config(ID, limits(1 << 20, 5, "memory"))))
                .isInstanceOf(IsolatorException.class)
                .hasMessageStartingWith("cgroup2/memory: memory limits are not enforced");
        isolator.plan(config(ID, limits(1 << 20, 5, "pids")));
        start(control, ID, limits(1 << 20, 5));
        assertThat(read(ID, "pids.max")).isEqualTo("5");
        Usage usage = control.usage(ID);
        assertThat(usage.memoryBytes()).isEqualTo(-1);
        assertThat(usage.ioReadBytes()).isEqualTo(-1);
        assertThat(usage.cpuTotalUs()).isEqualTo(1000);
        assertThat(usage.throttledPeriods()).isEqualTo(-1);
        assertThat(usage.pids()).isEqualTo(3);
    }

    @Test
    void controllerThatCannotBeEnabledIsNamedWithTheReason() throws Exception {
        FakeCgroupFs fs = new FakeCgroupFs(mount, Set.of("memory"));
        fs.busySubtrees.add("");
        Cgroup2Control control = open(fs, new FakeBpf(), Set.of());
        assertThat(control.enforced()).doesNotContain("memory");
        assertThat(control.warnings()).anyMatch(w -> w.contains("holds processes itself"));
    }

    @Test
    void usageIsTakenFromTheFilesAsTheyAreNow() throws Exception {
        Cgroup2Control control = open(new FakeCgroupFs(mount, EVERYTHING), new FakeBpf(), Set.of());
        start(control, ID, limits(1 << 20, 5));
        assertThat(control.usage(ID))
                .isEqualTo(
                        new Usage(
                                12_000_000_034L,
                                1000,
                                600,
                                400,
                                -1,
                                -1,
                                4096,
                                8192,
                                1 << 20,
                                777,
                                0,
                                3,
                                5,
                                15,
                                27,
                                4,
                                6));
        Files.writeString(cgroup(ID).resolve("memory.current"), "5000\n");
        Files.writeString(
                cgroup(ID).resolve("cpu.stat"),
                "usage_usec 7\nuser_usec 5\nsystem_usec 2\nnr_periods 9\nnr_throttled 4\nthrottled_usec 88\n");
        Usage usage = control.usage(ID);
        assertThat(usage.memoryBytes()).isEqualTo(5000);
        assertThat(usage.cpuTotalUs()).isEqualTo(7);
        assertThat(usage.throttledPeriods()).isEqualTo(4);
        assertThat(usage.throttledUs()).isEqualTo(88);
        update(control, limits(-1, -1));
        assertThat(control.usage(ID).memoryLimitBytes()).isEqualTo(Long.MAX_VALUE);
        assertThat(control.usage(OTHER).cpuTotalUs()).isEqualTo(-1);
    }

    @Test
    void killFreezeAndEvents() throws Exception {
        FakeCgroupFs fs = new FakeCgroupFs(mount, EVERYTHING);
        Cgroup2Control control = open(fs, new FakeBpf(), Set.of());
        start(control, ID, limits(1 << 20, 5));
        Isolator isolator = control.isolators().getFirst();
        Files.writeString(cgroup(ID).resolve("cgroup.procs"), "70\n8\n");
        fs.files().mkdirat(control.directory(ID).orElseThrow(), "nested", 0755);
        Files.writeString(cgroup(ID).resolve("nested/cgroup.procs"), "9\n");
        FakeCgroupFs.setEvent(cgroup(ID), "populated", true);
        assertThat(control.populated(ID)).isTrue();
        assertThat(control.processes(ID)).containsExactly(8, 9, 70);
        assertThat(control.remove(ID)).isFalse();
        control.freeze(ID, true);
        assertThat(control.frozen(ID)).isTrue();
        control.freeze(ID, false);
        assertThat(control.frozen(ID)).isFalse();
        control.kill(ID);
        assertThat(control.populated(ID)).isFalse();
        assertThat(isolator.poll((_, _) -> {})).isPositive();
        assertThat(isolator.poll((_, _) -> {})).isZero();
        assertThat(control.remove(ID)).isTrue();
        assertThat(cgroup(ID)).doesNotExist();
        control.kill(OTHER);
        assertThat(control.populated(OTHER)).isFalse();
        assertThat(control.processes(OTHER)).isEmpty();
        assertThat(control.remove(OTHER)).isTrue();
    }

    @Test
    void oomIsToldOncePerKill() throws Exception {
        Cgroup2Control control = open(new FakeCgroupFs(mount, EVERYTHING), new FakeBpf(), Set.of());
        Isolator isolator = control.isolators().getFirst();
        ContainerConfig config = config(ID, limits(1 << 20, 5));
        try (Slots slots = new Slots()) {
            isolator.acquire(config, plan(control.isolators().get(1), config), slots);
        }
        List<Limitation> told = new ArrayList<>();
        Path events = cgroup(ID).resolve("memory.events");
        Files.writeString(events, "low 0\nhigh 0\nmax 7\noom 1\noom_kill 0\n");
        isolator.poll((_, limitation) -> told.add(limitation));
        assertThat(told).isEmpty();
        Files.writeString(events, "low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\n");
        isolator.poll((_, limitation) -> told.add(limitation));
        assertThat(told).containsExactly(Limitation.OOM);
        Files.writeString(events, "low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\n");
        isolator.poll((_, limitation) -> told.add(limitation));
        assertThat(told).hasSize(1);
    }

    @Test
    void leftoversAreFoundAndRemovedAndRunningOnesTakenOver() throws Exception {
        FakeCgroupFs fs = new FakeCgroupFs(mount, EVERYTHING);
        FakeBpf bpf = new FakeBpf();
        Cgroup2Control before = open(fs, bpf, Set.of());
        start(before, ID, limits(1 << 20, 5));
        start(before, OTHER, limits(1 << 20, 5));
        FakeCgroupFs.setEvent(cgroup(ID), "populated", true);
        FakeCgroupFs.setEvent(cgroup(OTHER), "populated", true);
        before.close();

        Cgroup2Control after = open(fs, bpf, Set.of());
        assertThat(after.present()).containsExactlyInAnyOrder(ID, OTHER);
        for (Isolator isolator : after.isolators()) {
            isolator.recover(Set.of(ID), Set.of(OTHER));
        }
        assertThat(after.present()).containsExactly(ID);
        assertThat(after.populated(ID)).isTrue();
        assertThatThrownBy(() -> start(after, ID, limits(1 << 20, 5)))
                .hasMessageContaining("still has processes");
        after.kill(ID);
        after.isolators().getFirst().cleanup(ID);
        after.isolators().getFirst().cleanup(ID);
        assertThat(after.present()).isEmpty();
        start(after, ID, limits(1 << 20, 5));
    }

    @Test
    void nothingStaysWhenALimitIsRefusedByTheKernel() throws Exception {
        FakeCgroupFs fs = new FakeCgroupFs(mount, EVERYTHING);
        Cgroup2Control control = open(fs, new FakeBpf(), Set.of());
        ResourceLimits bad =
                new ResourceLimits(
                        OptionalLong.empty(),
                        OptionalLong.empty(),
                        OptionalLong.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        OptionalLong.of(1000),
                        OptionalLong.of(10),
                        OptionalLong.empty(),
                        OptionalLong.empty(),
                        OptionalLong.empty(),
                        List.of(),
                        Set.of());
        assertThatThrownBy(() -> start(control, ID, bad)).isInstanceOf(IsolatorException.class);
        assertThat(control.present()).isEmpty();
    }

    @Test
    void badParentsAreRefused() throws Exception {
        FakeCgroupFs fs = new FakeCgroupFs(mount, EVERYTHING);
        for (String parent : List.of("", "/", "..", "a/../b", ".")) {
            assertThatThrownBy(() -> Cgroup2Hierarchy.open(fs.files(), fs.mounts(Set.of()), parent))
                    .isInstanceOf(IsolatorException.class);
        }
        assertThatThrownBy(() ->
                        Cgroup2Hierarchy.open(
                                fs.files(), new CgroupMounts(Optional.empty(), Set.of()), "x"))
                .hasMessageContaining("no cgroup2 file system is mounted");
    }

    @Test
    void mountinfoIsRead() {
        CgroupMounts mounts =
                CgroupMounts.parse(
                        """
                        31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
                        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:5 - cgroup cgroup rw,memory
                        33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
                        40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
                        42 31 0:38 /a /elsewhere rw,relatime - cgroup2 cgroup2 rw
                        41 31 0:38 / /sys/fs/cgroup/uni\\040fied rw,relatime - cgroup2 cgroup2 rw
                        """);
        assertThat(mounts.unified()).contains("/sys/fs/cgroup/uni fied");
        assertThat(mounts.legacy()).containsExactlyInAnyOrder("memory", "cpu", "cpuacct");
    }
}
