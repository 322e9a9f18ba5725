package dev.berth.containerizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.containerizer.Containerizer.ContainerEvent;
import dev.berth.containerizer.Containerizer.ExecId;
import dev.berth.containerizer.Containerizer.ExecSpec;
import dev.berth.containerizer.Containerizer.KnownContainer;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.IsolatorException;
import dev.berth.linux.Fd;
import dev.berth.linux.OwnedFd;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

@Tag("root")
final class HostContainerizerTest {
    @TempDir Path directory;

    private ContainerizerKit kit;
    private int ends;

    @BeforeEach
    void open() throws Exception {
        kit = new ContainerizerKit(directory, "berth-test-" + ProcessHandle.current().pid());
        kit.recover(List.of());
    }

    @AfterEach
    void close() throws Exception {
        // The last monitor ends a moment after it has told of the end of its container.
        kit.until("an empty cgroup tree", this::removeTree);
        kit.close();
    }

    private boolean removeTree() {
        try {
            return kit.cgroups.removeTree();
        } catch (IsolatorException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aProgramRunsItsOutputIsLoggedAndItsStatusComesWhenNothingIsLeft() throws Exception {
        ContainerId id = ContainerizerKit.id("1");
        kit.start(ContainerizerKit.config(id, "/probe", "echo", "hello", "--", "exit", "3"));
        kit.await(ContainerEvent.Started.class, id);
        ContainerEvent.Exited exited = kit.await(ContainerEvent.Exited.class, id);
        assertThat(exited.status().code()).isEqualTo(3);
        assertThat(kit.log(id)).isEqualTo("hello\n");
        kit.until("no cgroup is left", this::noCgroup);
        kit.until("no run directory is left", () -> isEmpty(directory.resolve("exec/c")));
    }

    private boolean noCgroup() {
        try {
            return kit.cgroups.present().isEmpty();
        } catch (IsolatorException e) {
            throw new AssertionError(e);
        }
    }

    private static boolean isEmpty(Path directory) {
        String[] left = directory.toFile().list();
        return left != null && left.length == 0;
    }

    @Test
    void aStartAskedForWhenTheEndIsToldComesWhenNothingOfTheRunBeforeIsLeft() throws Exception {
        ContainerConfig config =
                ContainerizerKit.config(ContainerizerKit.id("a1"), "/probe", "true");
        kit.onEvent(event -> {
            if (event instanceof ContainerEvent.Exited && ends++ < 5) {
                kit.containerizer.start(config, ContainerizerKit.LOG);
            }
        });
        kit.start(config);
        for (int i = 0; i < 6; i++) {
            assertThat(exited(config.id()).code()).isZero();
        }
        assertThat(kit.left()).hasOnlyElementsOfType(ContainerEvent.Started.class).hasSize(6);
    }

    private ContainerId started(String digits, String... argv) throws Exception {
        ContainerId id = ContainerizerKit.id(digits);
        kit.start(ContainerizerKit.config(id, argv));
        kit.await(ContainerEvent.Started.class, id);
        return id;
    }

    private ExitStatus exited(ContainerId id) throws Exception {
        return kit.await(ContainerEvent.Exited.class, id).status();
    }

    @Test
    void aSignalReachesTheFirstProcessAndAKillReachesAll() throws Exception {
        ContainerId polite = started("2", "/probe", "sleep-until-signal");
        kit.until("ready", () -> log(polite).startsWith("ready"));
        assertThat(kit.containerizer.signal(polite, 15)).isTrue();
        assertThat(exited(polite).code()).isZero();
        ContainerId stubborn = started("3", "/probe", "sleep-until-signal", "--ignore-term");
        kit.until("ready", () -> log(stubborn).startsWith("ready"));
        kit.containerizer.kill(stubborn);
        assertThat(exited(stubborn).code()).isEqualTo(137);
        assertThat(kit.containerizer.signal(stubborn, 15)).isFalse();
    }

    private String log(ContainerId id) {
        try {
            return kit.log(id);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void aMissingProgramFailsWith127AndOneThatCannotBeExecutedWith126() throws Exception {
        ContainerId missing = ContainerizerKit.id("4");
        kit.start(ContainerizerKit.config(missing, "/nowhere"));
        ContainerEvent.StartFailed failed = kit.await(ContainerEvent.StartFailed.class, missing);
        assertThat(failed.code()).isEqualTo(127);
        assertThat(failed.message()).contains("/nowhere");
        ContainerId directory = ContainerizerKit.id("5");
        kit.start(ContainerizerKit.config(directory, "/etc"));
        assertThat(kit.await(ContainerEvent.StartFailed.class, directory).code()).isEqualTo(126);
        assertThat(kit.cgroups.present()).isEmpty();
        assertThat(this.directory.resolve("exec/c")).isEmptyDirectory();
    }

    @Test
    void standardInputIsReadToItsEnd() throws Exception {
        ContainerId id = ContainerizerKit.id("6");
        kit.start(ContainerizerKit.config(id, true, "/probe", "cat"));
        kit.await(ContainerEvent.Started.class, id);
        try (OwnedFd input = kit.containerizer.input(id).orElseThrow()) {
            kit.linux.files().writeAll(input, "typed\n".getBytes(StandardCharsets.UTF_8));
        }
        kit.until("echoed", () -> log(id).equals("typed\n"));
        kit.containerizer.closeStdin(id);
        assertThat(exited(id).code()).isZero();
    }

    @Test
    void aFurtherProcessRunsInsideAndItsEndIsTold() throws Exception {
        ContainerId id = started("7", "/probe", "sleep-until-signal");
        OwnedFd[] out = kit.linux.files().pipe2(0);
        OwnedFd in = kit.linux.files().openat(Fd.CWD, "/dev/null", 0, 0);
        OwnedFd err = kit.linux.files().duplicate(out[1]);
        ExecId exec = new ExecId("ab".repeat(32));
        ContainerConfig config = ContainerizerKit.config(id);
        kit.containerizer.exec(
                id,
                exec,
                new ExecSpec(
                        ContainerizerKit.process("/probe", "echo", "inside", "--", "exit", "9"),
                        config.security(),
                        false,
                        0,
                        0,
                        List.of(in, out[1], err)));
        kit.await(ContainerEvent.ExecStarted.class, id);
        ContainerEvent.ExecExited ended = kit.await(ContainerEvent.ExecExited.class, id);
        assertThat(ended.exec()).isEqualTo(exec);
        assertThat(ended.status().code()).isEqualTo(9);
        try (OwnedFd read = out[0]) {
            MemorySegment buffer = Arena.ofAuto().allocate(64);
            int n = kit.linux.files().read(read, buffer);
            assertThat(n).isEqualTo("inside\n".length());
            assertThat(kit.linux.files().read(read, buffer)).isZero();
        }
        kit.containerizer.exec(
                id,
                new ExecId("cd".repeat(32)),
                new ExecSpec(
                        ContainerizerKit.process("/nowhere"),
                        config.security(),
                        false,
                        0,
                        0,
                        List.of()));
        assertThat(kit.await(ContainerEvent.ExecFailed.class, id).code()).isEqualTo(127);
        kit.containerizer.kill(id);
        exited(id);
    }

    @Test
    void pausingFreezesAndUnpausingThaws() throws Exception {
        ContainerId id = started("8", "/probe", "sleep-until-signal");
        kit.containerizer.pause(id, true);
        assertThat(kit.await(ContainerEvent.Paused.class, id).paused()).isTrue();
        assertThat(kit.cgroups.frozen(id)).isTrue();
        kit.containerizer.pause(id, false);
        assertThat(kit.await(ContainerEvent.Paused.class, id).paused()).isFalse();
        kit.containerizer.pause(id, true);
        kit.await(ContainerEvent.Paused.class, id);
        kit.containerizer.kill(id);
        assertThat(exited(id).code()).isEqualTo(137);
    }

    @Test
    void aDeadSpawnerIsReplacedAndContainersLiveOn() throws Exception {
        ContainerId id = started("9", "/probe", "sleep-until-signal");
        int before = kit.containerizer.spawnerPid();
        try (OwnedFd spawner = kit.linux.processes().pidfdOpen(before).orElseThrow()) {
            kit.linux.processes().pidfdSendSignal(spawner, 9);
        }
        kit.until("a new spawner", () -> kit.containerizer.spawnerPid() != before);
        ContainerId second = started("a", "/probe", "true");
        assertThat(exited(second).code()).isZero();
        assertThat(kit.containerizer.signal(id, 15)).isTrue();
        assertThat(exited(id).code()).isZero();
    }

    @Test
    void aLostMonitorEndsTheContainerAndItsCgroup() throws Exception {
        ContainerId id = started("b", "/probe", "sleep-until-signal");
        int monitor = parentOf(kit.containerizer.processes(id).getFirst());
        try (OwnedFd pidfd = kit.linux.processes().pidfdOpen(monitor).orElseThrow()) {
            kit.linux.processes().pidfdSendSignal(pidfd, 9);
        }
        ExitStatus status = exited(id);
        assertThat(status.code()).isIn(255, 137);
        assertThat(kit.complaints).anyMatch(c -> c.contains("monitor"));
        assertThat(kit.cgroups.present()).isEmpty();
    }

    private static int parentOf(int pid) throws Exception {
        String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
        return Integer.parseInt(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[1]);
    }

    @Test
    void anotherAgentFindsWhatRunsAndHearsOfWhatEnded() throws Exception {
        ContainerId running = started("c", "/probe", "sleep-until-signal");
        ContainerId ended = started("d", "/probe", "sleep-until-signal");
        ContainerId orphan = started("e", "/probe", "sleep-until-signal");
        kit.containerizer.pause(running, true);
        kit.await(ContainerEvent.Paused.class, running);
        try (OwnedFd pidfd =
                kit.linux
                        .processes()
                        .pidfdOpen(kit.containerizer.processes(ended).getFirst())
                        .orElseThrow()) {
            kit.close();
            kit.linux.processes().pidfdSendSignal(pidfd, 9);
            kit.linux.processes().poll(pidfd, 1, 5000);
        }
        kit = new ContainerizerKit(directory, "berth-test-" + ProcessHandle.current().pid());
        kit.recover(
                List.of(
                        new KnownContainer(ContainerizerKit.config(running, "/probe"), true),
                        new KnownContainer(ContainerizerKit.config(ended, "/probe"), true)));
        kit.await(ContainerEvent.Started.class, running);
        assertThat(kit.await(ContainerEvent.Paused.class, running).paused()).isTrue();
        assertThat(kit.containerizer.resolveUser(running, "0:7", List.of()).gid()).isEqualTo(7);
        kit.containerizer.pause(running, false);
        kit.await(ContainerEvent.Paused.class, running);
        assertThat(exited(ended).code()).isEqualTo(137);
        assertThat(kit.cgroups.present()).containsExactly(running);
        assertThat(directory.resolve("exec/c").resolve(orphan.value())).doesNotExist();
        assertThat(kit.containerizer.signal(running, 15)).isTrue();
        assertThat(exited(running).code()).isZero();
    }

    @Test
    void hundredStartsInARowLeaveNothing() throws Exception {
        for (int i = 0; i < 100; i++) {
            ContainerId id = ContainerizerKit.id("f" + Integer.toHexString(i) + "f");
            kit.start(ContainerizerKit.config(id, "/probe", "true"));
        }
        for (int i = 0; i < 100; i++) {
            ContainerId id = ContainerizerKit.id("f" + Integer.toHexString(i) + "f");
            assertThat(exited(id).code()).isZero();
        }
        kit.until("no cgroup is left", this::noCgroup);
    }
}
