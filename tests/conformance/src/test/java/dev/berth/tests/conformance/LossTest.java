package dev.berth.tests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;

import dev.berth.protocol.link.Link;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.tests.kit.AgentProcess;
import dev.berth.tests.kit.Await;
import dev.berth.tests.kit.MasterNode;
import dev.berth.tests.kit.TestScheduler;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What may be lost between a scheduler, a master and an agent, each a process of its own: one of them, a message, the network. Tasks run on, none is started twice, and every update comes. */
@Tag("conformance")
@Timeout(120)
class LossTest {
    private static final double SECONDS = 30;
    private static final int TASKS = 20;
    private static final String UNTIL_STOPPED =
            "echo begun >> $MESOS_SANDBOX/begun; while [ ! -e $MESOS_SANDBOX/stop ]; do sleep 0.05; done; exit ";

    private Path directory;
    private MasterNode master;
    private TestScheduler scheduler;

    @BeforeEach
    void begin() throws Exception {
        directory = Files.createTempDirectory("loss");
        master =
                MasterNode.start(
                                directory.resolve("m"), "--allow-anonymous", "--agent-timeout", "3")
                        .awaitLeading(SECONDS);
        scheduler = TestScheduler.subscribe(master);
    }

    @AfterEach
    void end() throws IOException {
        scheduler.close();
        master.close();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private static String name(int i) {
        return "task-" + i;
    }

    /** Starts tasks that run until they are stopped and then exit with their number, modulo 3; their processes, by name. */
    private Map<String, Long> start(TestScheduler by, int from, int to) throws Exception {
        List<TaskInfo.Builder> tasks = new ArrayList<>();
        for (int i = from; i < to; i++) {
            tasks.add(TestScheduler.command(name(i), UNTIL_STOPPED + i % 3, 0.01, 8));
        }
        by.launch(
                        by.awaitOffer(
                                "of the agent",
                                SECONDS,
                                o -> TestScheduler.amount(o, "cpus") > 0.5),
                        tasks)
                .accepted();
        Map<String, Long> pids = new LinkedHashMap<>();
        for (int i = from; i < to; i++) {
            TaskStatus running = by.awaitState(name(i), SECONDS, TaskState.TASK_RUNNING);
            pids.put(name(i), (long) running.getContainerStatus().getExecutorPid());
        }
        return pids;
    }

    private Path sandbox(AgentProcess agent, TestScheduler of, int i) {
        return agent.dataRoot()
                .resolve("sandboxes/frameworks")
                .resolve(of.id().getValue())
                .resolve("executors")
                .resolve(name(i))
                .resolve("runs/latest");
    }

    private void stop(AgentProcess agent, TestScheduler of, int i) throws IOException {
        Files.createFile(sandbox(agent, of, i).resolve("stop"));
    }

    private static boolean runs(long pid) {
        return Files.exists(Path.of("/proc/" + pid));
    }

    private static void awaitEnd(long pid) throws Exception {
        Await.until("process " + pid + " ends", SECONDS, () -> !runs(pid));
    }

    /** It ended with its exit code, was started once, and its updates came in order. */
    private void ended(AgentProcess agent, TestScheduler by, int i) throws Exception {
        TaskStatus last =
                by.awaitState(
                        name(i),
                        SECONDS,
                        i % 3 == 0 ? TaskState.TASK_FINISHED : TaskState.TASK_FAILED);
        assertThat(last.getMessage()).isEqualTo("Command exited with status " + i % 3);
        assertThat(sandbox(agent, by, i).resolve("begun")).hasContent("begun");
    }

    /** The agent's own updates of a task, without those that came again, in the order in which they first came. */
    private static List<TaskState> told(TestScheduler by, String task) {
        Map<ByteString, TaskState> distinct = new LinkedHashMap<>();
        by.updates(task).stream()
                .filter(TaskStatus::hasUuid)
                .forEach(status -> distinct.putIfAbsent(status.getUuid(), status.getState()));
        return List.copyOf(distinct.values());
    }

    private void allInOrder(int tasks) {
        for (int i = 0; i < tasks; i++) {
            assertThat(told(scheduler, name(i)))
                    .as(name(i))
                    .containsExactly(
                            TaskState.TASK_STARTING,
                            TaskState.TASK_RUNNING,
                            i % 3 == 0 ? TaskState.TASK_FINISHED : TaskState.TASK_FAILED);
        }
    }

    @Test
    void theAgentIsKilledAndTasksEndWhileNoneIsThere() throws Exception {
        try (AgentProcess agent = AgentProcess.startFor(master.url(), directory.resolve("a"))) {
            Map<String, Long> pids = start(scheduler, 0, TASKS);
            agent.kill();
            for (int i = 0; i < TASKS; i += 2) {
                stop(agent, scheduler, i);
                awaitEnd(pids.get(name(i)));
            }
            agent.restart();
            for (int i = 0; i < TASKS; i += 2) {
                ended(agent, scheduler, i);
            }
            for (int i = 1; i < TASKS; i += 2) {
                assertThat(runs(pids.get(name(i)))).as("%s runs on", name(i)).isTrue();
                stop(agent, scheduler, i);
            }
            for (int i = 1; i < TASKS; i += 2) {
                ended(agent, scheduler, i);
            }
            allInOrder(TASKS);
        }
    }

    @Test
    void theMasterIsKilledAndTasksEndWhileNoneIsThere() throws Exception {
        try (AgentProcess agent = AgentProcess.startFor(master.url(), directory.resolve("a"))) {
            Map<String, Long> pids = start(scheduler, 0, TASKS);
            String agentId = scheduler.latest(name(0)).orElseThrow().getAgentId().getValue();
            master.kill();
            for (int i = 0; i < TASKS; i += 2) {
                stop(agent, scheduler, i);
                awaitEnd(pids.get(name(i)));
            }
            master.restart();
            for (int i = 0; i < TASKS; i += 2) {
                ended(agent, scheduler, i);
            }
            for (int i = 1; i < TASKS; i += 2) {
                assertThat(runs(pids.get(name(i)))).as("%s runs on", name(i)).isTrue();
            }
            assertThat(scheduler.subscriptions()).isEqualTo(2);
            // The new master knows of the others what the agent told it.
            scheduler.reconcile(List.of()).accepted();
            for (int i = 1; i < TASKS; i += 2) {
                String task = name(i);
                scheduler.await(
                        task + " is known",
                        SECONDS,
                        () ->
                                scheduler.latest(task).orElseThrow().getReason()
                                        == TaskStatus.Reason.REASON_RECONCILIATION);
                TaskStatus known = scheduler.latest(task).orElseThrow();
                assertThat(known.getState()).isEqualTo(TaskState.TASK_RUNNING);
                assertThat(known.getAgentId().getValue()).isEqualTo(agentId);
                stop(agent, scheduler, i);
            }
            for (int i = 1; i < TASKS; i += 2) {
                ended(agent, scheduler, i);
            }
            allInOrder(TASKS);
            long told = System.nanoTime();
            master.close();
            assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - told))
                    .as("ms from SIGTERM to the end")
                    .isLessThan(2_000);
        }
    }

    @Test
    void everyAcknowledgementIsLostOnce() throws Exception {
        int tasks = 4;
        Set<ByteString> lost = ConcurrentHashMap.newKeySet();
        Set<ByteString> arrived = ConcurrentHashMap.newKeySet();
        try (LinkRelay relay =
                        new LinkRelay(
                                "127.0.0.1",
                                master.port(),
                                message ->
                                        !message.hasAcknowledge()
                                                || passes(message, lost, arrived));
                AgentProcess agent = AgentProcess.startFor(relay.url(), directory.resolve("a"))) {
            start(scheduler, 0, tasks);
            for (int i = 0; i < tasks; i++) {
                stop(agent, scheduler, i);
            }
            for (int i = 0; i < tasks; i++) {
                ended(agent, scheduler, i);
            }
            Await.until(
                    () ->
                            arrived.size()
                                    + " acknowledgements have arrived, "
                                    + lost.size()
                                    + " lost",
                    SECONDS,
                    () -> arrived.size() == 3 * tasks);
            assertThat(lost).as("one for each update").isEqualTo(arrived);
            allInOrder(tasks);
            for (int i = 0; i < tasks; i++) {
                List<ByteString> uuids =
                        scheduler.updates(name(i)).stream().map(TaskStatus::getUuid).toList();
                List<ByteString> inRuns =
                        uuids.stream().sorted(Comparator.comparing(uuids::indexOf)).toList();
                assertThat(uuids).as("no older one after a newer one").isEqualTo(inRuns);
                for (ByteString uuid : new LinkedHashSet<>(uuids)) {
                    assertThat(uuids.stream().filter(uuid::equals).count())
                            .as("it came again")
                            .isGreaterThan(1);
                }
            }
        }
    }

    private static boolean passes(
            Link.FromMaster message, Set<ByteString> lost, Set<ByteString> arrived) {
        ByteString uuid = message.getAcknowledge().getUuid();
        if (lost.add(uuid)) {
            return false;
        }
        arrived.add(uuid);
        return true;
    }

    @Test
    void theNetworkIsCutAndMended() throws Exception {
        FrameworkInfo.Builder older = TestScheduler.FRAMEWORK.toBuilder();
        for (int i = older.getCapabilitiesCount() - 1; i >= 0; i--) {
            if (older.getCapabilities(i).getType()
                    == FrameworkInfo.Capability.Type.PARTITION_AWARE) {
                older.removeCapabilities(i);
            }
        }
        try (CutNetwork network = new CutNetwork();
                LinkRelay relay = new LinkRelay(network.address(), master.port(), _ -> true);
                AgentProcess agent =
                        AgentProcess.startBy(network.by(), relay.url(), directory.resolve("a"))) {
            Map<String, Long> pids = start(scheduler, 0, 4);
            try (TestScheduler unaware =
                    TestScheduler.subscribe(
                            older.build(), List.of(master.uri()), Optional.empty())) {
                scheduler.offers().forEach(this::decline);
                pids.putAll(start(unaware, 4, 5));
                network.cut();
                for (int i = 0; i < 4; i++) {
                    scheduler.awaitState(name(i), SECONDS, TaskState.TASK_UNREACHABLE);
                }
                unaware.awaitState(name(4), SECONDS, TaskState.TASK_LOST);
                assertThat(pids.values()).as("all run on").allMatch(LossTest::runs);
                stop(agent, scheduler, 0);
                awaitEnd(pids.get(name(0)));
                network.mend();
                ended(agent, scheduler, 0);
                IntStream.range(1, 4).forEach(i -> back(scheduler, i));
                back(unaware, 4);
                for (int i = 1; i < 4; i++) {
                    assertThat(runs(pids.get(name(i)))).isTrue();
                    stop(agent, scheduler, i);
                }
                stop(agent, unaware, 4);
                for (int i = 1; i < 4; i++) {
                    ended(agent, scheduler, i);
                }
                ended(agent, unaware, 4);
                allInOrder(4);
            }
        }
    }

    private void decline(dev.berth.protocol.v1.Protos.Offer offer) {
        try {
            scheduler.decline(offer, 5).accepted();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void back(TestScheduler by, int i) {
        try {
            by.await(
                    name(i) + " is back",
                    SECONDS,
                    () ->
                            by.latest(name(i)).map(TaskStatus::getState).orElseThrow()
                                    == TaskState.TASK_RUNNING);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
