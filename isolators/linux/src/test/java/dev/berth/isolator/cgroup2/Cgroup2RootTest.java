package dev.berth.isolator.cgroup2;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.isolator.ContainerConfig.DeviceRule;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.LaunchPlan;
import dev.berth.isolator.ResourceLimits;
import dev.berth.isolator.Slot;
import dev.berth.isolator.Slots;
import dev.berth.isolator.cgroup2.devices.DeviceIsolator;
import dev.berth.linux.Bpf;
import dev.berth.linux.Fd;
import dev.berth.linux.FileMode;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Poll;
import dev.berth.linux.Statx;
import dev.berth.linux.process.HelperCommand;
import dev.berth.linux.process.HelperProcess;
import dev.berth.linux.process.HelperResult;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** On this machine's kernel: a tree of its own, which is gone afterwards. */
@Tag("root")
class Cgroup2RootTest {
    private static final ContainerId ID = new ContainerId("5e".repeat(32));
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final String NO_DRIVER = "No such device or address";
    private static final String DENIED = "Operation not permitted";

    private final Linux linux = Linux.host();
    @TempDir Path temp;
    private Cgroup2Control control;
    private DeviceIsolator devices;
    private int fdsBefore;

    @BeforeEach
    void open() throws Exception {
        linux.files().eventfd().close();
        fdsBefore = linux.files().openDescriptors().size();
        control = Cgroup2Control.open(linux, "berth-root-test-" + linux.processes().getpid());
        devices = (DeviceIsolator) control.isolators().get(1);
    }

    @AfterEach
    void nothingStays() throws Exception {
        control.kill(ID);
        awaitEvent(() -> !control.populated(ID));
        Path path = Path.of(control.path());
        assertThat(control.removeTree()).isTrue();
        control.close();
        assertThat(path).doesNotExist();
        assertThat(linux.files().openDescriptors()).hasSize(fdsBefore);
    }

    private interface Check {
        boolean holds() throws Exception;
    }

    /** Waits on the tree's event descriptor until something holds. */
    private void awaitEvent(Check check) throws Exception {
        long end = System.nanoTime() + LIMIT.toNanos();
        while (!check.holds()) {
            assertThat(System.nanoTime()).as("deadline").isLessThan(end);
            linux.processes().poll(control.events().orElseThrow(), Poll.POLLIN, 100);
            control.isolators().getFirst().poll((_, _) -> {});
        }
    }

    private void acquire(List<DeviceRule> more) throws Exception {
        var config = Cgroup2ControlTest.config(ID, ResourceLimits.NONE);
        List<DeviceRule> rules = new ArrayList<>(devices.plan(config).deviceRules());
        rules.addAll(more);
        LaunchPlan plan =
                new LaunchPlan(
                        ID.value(),
                        false,
                        Set.of(),
                        List.of(),
                        rules,
                        Map.of(),
                        Set.of(Slot.CGROUP));
        try (Slots slots = new Slots()) {
            for (Isolator isolator : control.isolators()) {
                isolator.acquire(config, plan, slots);
            }
        }
    }

    private HelperCommand inside(String script) {
        return HelperCommand.of(
                "/usr/bin/busybox",
                List.of(
                        "sh",
                        "-c",
                        "echo $$ > "
                                + control.path()
                                + "/c/"
                                + ID
                                + "/cgroup.procs || exit 9; "
                                + script),
                Map.of("PATH", "/usr/bin:/bin"));
    }

    private String run(String script) throws Exception {
        HelperResult result = HelperProcess.run(linux, inside(script), new byte[0], LIMIT, 1 << 16);
        assertThat(result.exitCode()).as(result.describe()).isNotEqualTo(OptionalInt.of(9));
        return new String(result.output(), StandardCharsets.UTF_8)
                + new String(result.errors(), StandardCharsets.UTF_8);
    }

    private Path node(int major, int minor) throws Exception {
        Path node = temp.resolve("node-" + major + "-" + minor);
        if (!Files.exists(node)) {
            linux.files()
                    .mknodat(
                            Fd.CWD,
                            node.toString(),
                            FileMode.S_IFCHR | 0666,
                            Statx.makedev(major, minor));
        }
        return node;
    }

    private static DeviceRule rule(boolean allow, int major, int minor, String access) {
        return new DeviceRule(allow, 'c', OptionalInt.of(major), OptionalInt.of(minor), access);
    }

    @Test
    void grantedDeviceWithoutDriverIsEnxioAndADeniedOneEperm() throws Exception {
        Path granted = node(195, 0);
        Path denied = node(195, 1);
        // Control: without any program both say that there is no driver.
        assertThat(
                        new String(
                                HelperProcess.run(
                                                linux,
                                                HelperCommand.of(
                                                        "/usr/bin/busybox",
                                                        List.of("cat", denied.toString()),
                                                        Map.of()),
                                                new byte[0],
                                                LIMIT,
                                                4096)
                                        .errors(),
                                StandardCharsets.UTF_8))
                .contains(NO_DRIVER);
        acquire(List.of(rule(true, 195, 0, "rw")));
        assertThat(run("cat " + granted)).contains(NO_DRIVER);
        assertThat(run("cat " + denied)).contains(DENIED);
        assertThat(run("cat /dev/null && echo x > /dev/null && echo fine")).isEqualTo("fine\n");
        assertThat(run("mknod " + temp + "/made c 195 0")).as("no rule says m").contains(DENIED);
        assertThat(run("mknod " + temp + "/zero c 1 5 && echo made")).isEqualTo("made\n");
        assertThat(run("mknod " + temp + "/disk b 7 0")).contains(DENIED);
    }

    @Test
    void rulesAreReplacedLive() throws Exception {
        Path node = node(195, 0);
        acquire(List.of());
        assertThat(run("cat " + node)).contains(DENIED);
        devices.set(ID, List.of(rule(true, 195, 0, "r")));
        assertThat(run("cat " + node)).contains(NO_DRIVER);
        assertThat(run("echo x > " + node)).contains(DENIED);
        assertThat(run("cat /dev/null")).as("only what the new rules say").contains(DENIED);
        devices.set(ID, List.of(rule(true, 195, 0, "rw"), rule(false, 195, 0, "r")));
        assertThat(run("cat " + node)).contains(DENIED);
        assertThat(run("echo x > " + node)).contains(NO_DRIVER);
        assertThat(linux.bpf().deviceProgramIds(control.directory(ID).orElseThrow())).hasSize(1);
    }

    @Test
    void programThatWasTakenAwayOrJoinedByAnotherIsRestored() throws Exception {
        Bpf bpf = linux.bpf();
        Path node = node(195, 0);
        acquire(List.of(rule(true, 195, 0, "rw")));
        Fd cgroup = control.directory(ID).orElseThrow();
        int ours = bpf.deviceProgramIds(cgroup).getFirst();
        assertThat(devices.verify()).isEmpty();
        try (OwnedFd program = bpf.programById(ours).orElseThrow()) {
            bpf.detachDeviceProgram(cgroup, program);
        }
        assertThat(run("cat " + node(195, 9))).as("unguarded now").contains(NO_DRIVER);
        assertThat(devices.verify()).containsExactly(ID);
        assertThat(run("cat " + node(195, 9))).contains(DENIED);
        // r0 = 0; exit: what systemd's daemon-reload amounts to
        byte[] denyAll = {(byte) 0xb7, 0, 0, 0, 0, 0, 0, 0, (byte) 0x95, 0, 0, 0, 0, 0, 0, 0};
        try (OwnedFd foreign = bpf.loadDeviceProgram("foreign", denyAll)) {
            bpf.attachDeviceProgram(cgroup, foreign, Optional.empty());
        }
        assertThat(run("cat " + node)).contains(DENIED);
        assertThat(devices.verify()).containsExactly(ID);
        assertThat(run("cat " + node)).contains(NO_DRIVER);
        assertThat(bpf.deviceProgramIds(cgroup)).containsExactly(ours);
    }

    @Test
    void equalRulesShareOneProgramThatIsKeptForTheNextAndThenFreed() throws Exception {
        acquire(List.of());
        int id = linux.bpf().deviceProgramIds(control.directory(ID).orElseThrow()).getFirst();
        List<DeviceRule> rules =
                devices.plan(Cgroup2ControlTest.config(ID, ResourceLimits.NONE)).deviceRules();
        devices.set(ID, rules);
        assertThat(linux.bpf().deviceProgramIds(control.directory(ID).orElseThrow()))
                .containsExactly(id);
        assertThat(control.remove(ID)).isTrue();
        acquire(List.of());
        assertThat(linux.bpf().deviceProgramIds(control.directory(ID).orElseThrow()))
                .as("kept for the next container")
                .containsExactly(id);
        assertThat(control.remove(ID)).isTrue();
        acquire(List.of(rule(true, 195, 0, "r")));
        assertThat(control.remove(ID)).isTrue();
        // Now another program is the one that is kept; the kernel frees the first a little later.
        awaitEvent(() -> {
            Optional<OwnedFd> left = linux.bpf().programById(id);
            left.ifPresent(OwnedFd::close);
            return left.isEmpty();
        });
    }

    @Test
    void restartedAgentTakesProgramsOver() throws Exception {
        acquire(List.of(rule(true, 195, 0, "rw")));
        Path node = node(195, 0);
        control.close();
        control = Cgroup2Control.open(linux, "berth-root-test-" + linux.processes().getpid());
        devices = (DeviceIsolator) control.isolators().get(1);
        for (Isolator isolator : control.isolators()) {
            isolator.recover(Set.of(ID), Set.of());
        }
        assertThat(devices.verify()).isEmpty();
        assertThat(run("cat " + node)).contains(NO_DRIVER);
        devices.set(ID, List.of());
        assertThat(run("cat " + node)).contains(DENIED);
        assertThat(linux.bpf().deviceProgramIds(control.directory(ID).orElseThrow())).hasSize(1);
    }

    /** The sample, its Instant, and nothing that grows with the files. */
    @Test
    void usageAllocatesLittleMoreThanTheSample() throws Exception {
        acquire(List.of());
        var threads =
                (com.sun.management.ThreadMXBean)
                        java.lang.management.ManagementFactory.getThreadMXBean();
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 200; round++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 50; i++) {
                control.usage(ID);
            }
            least = Math.min(least, (threads.getCurrentThreadAllocatedBytes() - before) / 50);
        }
        assertThat(least).isLessThan(400);
    }

    @Test
    void cgroupThatSomebodyElseRemovedIsGone() throws Exception {
        acquire(List.of());
        Files.delete(Path.of(control.path(), "c", ID.value()));
        assertThat(control.populated(ID)).isFalse();
        assertThat(control.processes(ID)).isEmpty();
        control.kill(ID);
        assertThat(control.usage(ID).cpuTotalUs()).isEqualTo(-1);
        assertThat(control.remove(ID)).isTrue();
        assertThat(control.remove(ID)).isTrue();
        acquire(List.of());
        assertThat(control.present()).containsExactly(ID);
    }

    @Test
    void processesAreSeenFrozenAndKilled() throws Exception {
        acquire(List.of());
        assertThat(control.populated(ID)).isFalse();
        List<Fd> streams = new ArrayList<>();
        try (OwnedFd nothing = HelperProcess.devNull(linux);
                HelperProcess sleeper =
                        HelperProcess.start(
                                linux,
                                inside("trap '' TERM; busybox sleep 1000 & wait"),
                                List.of(nothing, nothing, nothing))) {
            streams.add(nothing);
            awaitEvent(() -> control.processes(ID).size() == 2);
            assertThat(control.processes(ID)).contains(sleeper.pid());
            assertThat(control.remove(ID)).isFalse();
            control.freeze(ID, true);
            awaitEvent(() -> control.frozen(ID));
            control.freeze(ID, false);
            awaitEvent(() -> !control.frozen(ID));
            assertThat(control.usage(ID).cpuTotalUs()).isPositive();
            control.kill(ID);
            awaitEvent(() -> !control.populated(ID));
            assertThat(sleeper.await(LIMIT)).isPresent();
            assertThat(control.processes(ID)).isEmpty();
        }
    }
}
