package dev.berth.tests.root;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;

import dev.berth.tests.kit.AgentProcess;
import dev.berth.tests.kit.BusyboxRoot;
import dev.berth.tests.kit.Engine;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What an agent's death costs a running container (nothing), what a container costs while it runs, and what is left after a thousand. */
@Tag("root")
class SurvivalTest {
    private static final int STARTS = 1000;
    private static final long STILL_NS = TimeUnit.MILLISECONDS.toNanos(333);
    private static final int MONITOR_PRIVATE_KIB = 150;

    private Path directory;
    private Path root;
    private AgentProcess agent;
    private Engine engine;
    private String cgroup;

    @BeforeEach
    void startAgent() throws Exception {
        directory = Files.createTempDirectory("survival");
        root = BusyboxRoot.make(directory.resolve("root"));
        cgroup = "berth-survival-" + ProcessHandle.current().pid();
        agent =
                AgentProcess.start(
                        directory.resolve("agent"), List.of(), List.of("--cgroup-parent", cgroup));
        engine = agent.engine();
    }

    @AfterEach
    void stopAgent() throws Exception {
        agent.close();
        assertThat(cgroupDirectory())
                .as("the agent takes its empty cgroup tree away at its end")
                .doesNotExist();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    @Test
    void threeKillsInARowDisturbNoContainerAndLoseNoLineAndNoExitCode() throws Exception {
        String logs =
                "i=0; while [ ! -e /tmp/stop ]; do echo line $i; i=$((i+1)); usleep 1000; done; echo wrote $i; exit 7";
        String logging = engine.create(Engine.command(root, "sh", "-c", logs));
        engine.start(logging);
        JsonNode before = engine.inspect(logging).get("State");
        for (int kill = 1; kill <= 3; kill++) {
            String ending =
                    engine.create(Engine.command(root, "sh", "-c", "read _; exit " + (40 + kill)));
            String meantime =
                    engine.create(
                            Engine.command(root, "sh", "-c", "sleep 0.3; exit " + (50 + kill)));
            engine.start(meantime);
            engine.start(ending);
            long pid = engine.inspect(meantime).at("/State/Pid").longValue();
            agent.kill();
            await(
                    "process " + pid + " ends while no agent runs",
                    () -> !Files.exists(Path.of("/proc/" + pid)));
            agent.restart();
            assertThat(engine.await(meantime)).as("exit code of the meantime").isEqualTo(50 + kill);
            JsonNode state = engine.inspect(logging).get("State");
            assertThat(state.get("Running").booleanValue())
                    .as("the logging container runs after kill %d: %s", kill, state)
                    .isTrue();
            assertThat(state.get("Pid")).isEqualTo(before.get("Pid"));
            assertThat(state.get("StartedAt")).isEqualTo(before.get("StartedAt"));
            engine.remove(meantime);
            engine.remove(ending);
        }
        Files.createFile(root.resolve("tmp/stop"));
        assertThat(engine.await(logging)).isEqualTo(7);
        String output = engine.output(logging, 1);
        int lines = Integer.parseInt(output.substring(output.lastIndexOf("wrote ") + 6).strip());
        assertThat(lines).as("lines written meanwhile").isGreaterThan(500);
        String expected =
                IntStream.range(0, lines)
                        .mapToObj(i -> "line " + i + "\n")
                        .collect(Collectors.joining());
        assertThat(output).isEqualTo(expected + "wrote " + lines + "\n");
        engine.remove(logging);
    }

    @Test
    void aThousandStartsLeaveNothingBehind() throws Exception {
        for (int i = 0; i < 30; i++) {
            runTrue();
        }
        settle();
        String before = census();
        for (int i = 0; i < STARTS; i++) {
            runTrue();
        }
        settle();
        await(
                "the census is as before: " + before + "; now " + census(),
                () -> census().equals(before));
    }

    @Test
    void aMonitorsPrivateMemoryIsSmall() throws Exception {
        String id = engine.create(Engine.command(root, "sleep", "600"));
        engine.start(id);
        try {
            List<Long> monitors = childrenOf(spawner());
            assertThat(monitors).as("monitors").hasSize(1);
            long kib = 0;
            for (String line :
                    Files.readAllLines(Path.of("/proc/" + monitors.getFirst() + "/smaps_rollup"))) {
                if (line.startsWith("Private_")) {
                    kib += Long.parseLong(line.replaceAll("[^0-9]", ""));
                }
            }
            assertThat(kib).as("private KiB").isPositive().isLessThanOrEqualTo(MONITOR_PRIVATE_KIB);
        } finally {
            engine.remove(id);
        }
    }

    private void runTrue() throws IOException {
        Engine.Result result = engine.run(Engine.command(root, "true"));
        assertThat(result.code()).as(result.stderr()).isZero();
    }

    /** Waits until the agent has no container process left and nothing changes any more: ended runs are cleaned up and the pool of network namespaces is full again. */
    private void settle() throws IOException {
        await("no monitor is left", () -> childrenOf(spawner()).isEmpty());
        String[] last = {census()};
        long[] since = {System.nanoTime()};
        await(
                "nothing changes for a third of a second",
                () -> {
                    String now = census();
                    if (!now.equals(last[0])) {
                        last[0] = now;
                        since[0] = System.nanoTime();
                    }
                    return System.nanoTime() - since[0] > STILL_NS;
                });
    }

    /** What could leak, counted: descriptors of agent and spawner, mounts, cgroups, network namespaces held by the agent, files. */
    private String census() {
        try {
            long agentFds = count(Path.of("/proc/" + agent.pid() + "/fd"));
            long spawnerFds = count(Path.of("/proc/" + spawner() + "/fd"));
            long mounts = Files.readAllLines(Path.of("/proc/self/mountinfo")).size();
            long agentMounts =
                    Files.readAllLines(Path.of("/proc/" + spawner() + "/mountinfo")).size();
            return "agent fds "
                    + agentFds
                    + ", spawner fds "
                    + spawnerFds
                    + ", mounts "
                    + mounts
                    + ", spawner mounts "
                    + agentMounts
                    + ", container cgroups "
                    + count(cgroupDirectory().resolve("c"))
                    + ", run directories "
                    + count(agent.execRoot().resolve("c"))
                    + ", containers "
                    + count(agent.dataRoot().resolve("containers"));
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static long count(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return 0;
        }
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.count();
        }
    }

    private long spawner() {
        return childrenOf(agent.pid()).stream()
                .findFirst()
                .orElseThrow(() -> new AssertionError("the agent has no spawner"));
    }

    private static List<Long> childrenOf(long pid) {
        return ProcessHandle.of(pid)
                .map(p -> p.children().map(ProcessHandle::pid).toList())
                .orElse(List.of());
    }

    private Path cgroupDirectory() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
            if (line.contains(" - cgroup2 ")) {
                return Path.of(line.split(" ")[4], cgroup);
            }
        }
        throw new AssertionError("no cgroup2 mount");
    }

    private static void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - deadline).as("not within 20 s: %s", what).isNegative();
            LockSupport.parkNanos(10_000_000);
        }
    }
}
