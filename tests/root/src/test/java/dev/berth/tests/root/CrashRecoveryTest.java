package dev.berth.tests.root;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.containerizer.Containerizer.ContainerEvent;
import dev.berth.containerizer.Containerizer.KnownContainer;
import dev.berth.containerizer.ContainerizerKit;
import dev.berth.containerizer.CrashPoint;
import dev.berth.isolator.IsolatorException;
import dev.berth.linux.Linux;
import dev.berth.linux.process.HelperResult;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The agent is killed by SIGKILL at every step of a launch, an exec and an end; another one recovers: no container, no exit status and no output is lost, and nothing is left. */
@Tag("root")
final class CrashRecoveryTest {
    private static final int SIGKILL = 9;

    @TempDir Path directory;

    /** Every crash point, those of isolators at the first, a middle and the last one. */
    static List<String> crashes() {
        List<String> all = new ArrayList<>();
        for (CrashPoint point : CrashPoint.values()) {
            if (point == CrashPoint.ISOLATOR_ACQUIRED || point == CrashPoint.ISOLATOR_CLEANED) {
                List.of(1, 2, 6, 12).forEach(n -> all.add(point + ":" + n));
            } else {
                all.add(point.name());
            }
        }
        return all;
    }

    @ParameterizedTest
    @MethodSource("crashes")
    void nothingIsLostAndNothingIsLeft(String crash) throws Exception {
        String parent = "berth-crash-" + ProcessHandle.current().pid();
        HelperResult died =
                ChildJvm.run(
                        CrashingAgent.class,
                        Map.of("berth.crash-at", crash),
                        directory.toString(),
                        parent);
        String output = new String(died.errors(), StandardCharsets.UTF_8);
        assertThat(died.signal()).as("%s: %s", crash, output).hasValue(SIGKILL);
        String checkpoint = Files.readString(directory.resolve(CrashingAgent.CHECKPOINT));
        boolean started = checkpoint.contains("started");
        CrashPoint point = CrashPoint.valueOf(crash.replaceAll(":.*", ""));
        Set<Integer> programs;
        Path cgroup;
        try (ContainerizerKit kit = new ContainerizerKit(directory, parent)) {
            programs = programs(kit);
            cgroup = Path.of(kit.cgroups.path());
            kit.recover(List.of(new KnownContainer(CrashingAgent.config(), started)));
            expect(kit, point);
            kit.until("an empty cgroup tree", () -> removeTree(kit));
            assertThat(kit.left())
                    .as("events without a reason")
                    .noneMatch(e -> e instanceof ContainerEvent.Oom);
            new LeakCheck(
                            kit.linux,
                            directory,
                            cgroup,
                            Optional.of(kit.containerizer.spawnerPid()),
                            Set.of())
                    .awaitNone(CrashRecoveryTest::ofAContainer);
        }
        // The program that was used last stays loaded as long as the agent lives.
        new LeakCheck(Linux.host(), directory, cgroup, Optional.empty(), programs)
                .awaitNone(CrashRecoveryTest::ofAContainer);
    }

    private static Set<Integer> programs(ContainerizerKit kit) throws Exception {
        Path group = Path.of(kit.cgroups.path(), "c", CrashingAgent.ID.value());
        if (!Files.isDirectory(group)) {
            return Set.of();
        }
        try (var fd =
                kit.linux.files().openat(dev.berth.linux.Fd.CWD, group.toString(), 0x10000, 0)) {
            return Set.copyOf(kit.linux.bpf().deviceProgramIds(fd));
        }
    }

    private static boolean ofAContainer(String what) {
        return what.startsWith("cgroup ")
                || what.startsWith("process ")
                || what.startsWith("program ")
                || what.startsWith("children ")
                || what.startsWith("mount of the host")
                || what.startsWith("file exec/c/");
    }

    private static boolean removeTree(ContainerizerKit kit) {
        try {
            return kit.cgroups.removeTree();
        } catch (IsolatorException e) {
            throw new AssertionError(e);
        }
    }

    /** What the second agent must hear of the one container. */
    private static void expect(ContainerizerKit kit, CrashPoint point) throws Exception {
        switch (point) {
            case START_JOURNALED,
                    DIRECTORIES_MADE,
                    ROOT_MOUNTED,
                    ISOLATOR_ACQUIRED,
                    PROGRAM_SEALED ->
                    kit.await(ContainerEvent.StartFailed.class, CrashingAgent.ID);
            case PROGRAM_SENT,
                    STARTED_RECEIVED,
                    STARTED_JOURNALED,
                    EXEC_JOURNALED,
                    EXEC_ACQUIRED,
                    EXEC_SENT,
                    EXEC_STARTED,
                    EXEC_EXITED -> {
                kit.await(ContainerEvent.Started.class, CrashingAgent.ID);
                kit.until("ready", () -> log(kit).startsWith("ready"));
                assertThat(kit.containerizer.signal(CrashingAgent.ID, 15)).isTrue();
                ended(kit);
            }
            case EXITED_RECEIVED,
                    CGROUP_EMPTY,
                    ROOT_RELEASED,
                    END_TOLD,
                    ISOLATOR_CLEANED,
                    END_JOURNALED,
                    RUN_DIRECTORY_REMOVED ->
                    ended(kit);
        }
    }

    private static void ended(ContainerizerKit kit) throws Exception {
        ContainerEvent.Exited exited = kit.await(ContainerEvent.Exited.class, CrashingAgent.ID);
        assertThat(exited.status().waitStatus()).isZero();
        assertThat(exited.status().finishedAtNs()).isPositive();
        assertThat(log(kit)).startsWith("ready\n").endsWith("\n");
    }

    private static String log(ContainerizerKit kit) {
        try {
            return kit.log(CrashingAgent.ID);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
