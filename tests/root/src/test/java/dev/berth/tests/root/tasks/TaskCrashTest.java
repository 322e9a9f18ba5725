package dev.berth.tests.root.tasks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.agent.tasks.TaskStep;
import dev.berth.protocol.v1.Protos.AgentID;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.tests.kit.Await;
import dev.berth.tests.kit.TestScheduler;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The agent is killed by SIGKILL at every step of a task; the next one goes on: no task is lost, none is started twice, every update comes, in order, until it is acknowledged, and nothing is left but the sandbox. */
@Tag("root")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(60)
class TaskCrashTest {
    private static final double SECONDS = 30;

    /** What is going on when the agent dies, in the order of the test. */
    private enum Scene {
        /** A master takes the agent for the first time. */
        FIRST,
        /** A command runs to its end. */
        COMMAND,
        /** A command is killed. */
        KILL,
        /** Two commands run together. */
        GROUP,
        /** One of two that run together fails. */
        BROKEN_GROUP,
        /** The scheduler subscribes again. */
        RETURN,
        /** An operator marks the agent gone. */
        GONE,
        /** The framework is torn down: the last, since nothing can follow. */
        TEARDOWN
    }

    /** A step, reached for the n-th time by a task. */
    private record Crash(Scene scene, TaskStep step, int times, String member) {
        /** The name of its task, or of its group. */
        String name() {
            return (scene + "-" + step + times + member).toLowerCase(Locale.ROOT).replace('_', '-');
        }

        /** The task that dies the agent. */
        String task() {
            return scene == Scene.GROUP || scene == Scene.BROKEN_GROUP
                    ? name() + "." + member
                    : name();
        }

        List<String> jvmOptions() {
            return List.of(
                    "-Dberth.crash-at-task=" + step + ":" + times, "-Dberth.crash-task=" + task());
        }

        @Override
        public String toString() {
            return name();
        }
    }

    private static Crash once(Scene scene, TaskStep step) {
        return new Crash(scene, step, 1, "");
    }

    private static Stream<Crash> each(TaskStep step) {
        // STARTING, RUNNING, FINISHED.
        return IntStream.rangeClosed(1, 3).mapToObj(n -> new Crash(Scene.COMMAND, step, n, ""));
    }

    /** Where a step that there is must have its place: javac says which is missing. */
    private static Stream<Crash> at(TaskStep step) {
        return switch (step) {
            case AGENT_ID_KEPT -> Stream.of(once(Scene.FIRST, step));
            case UPDATE_JOURNALED ->
                    Stream.concat(
                            each(step), Stream.of(new Crash(Scene.BROKEN_GROUP, step, 3, "a")));
            case UPDATE_SENT, ACKNOWLEDGEMENT_JOURNALED -> each(step);
            case TASK_JOURNALED, SANDBOX_MADE, CREATED ->
                    Stream.of(once(Scene.COMMAND, step), new Crash(Scene.GROUP, step, 1, "a"));
            case STARTED ->
                    Stream.of(once(Scene.COMMAND, step), new Crash(Scene.GROUP, step, 1, "b"));
            case CREATE_ASKED, START_ASKED, END_SEEN, OUTPUT_COPIED, REMOVAL_ASKED, DROPPED ->
                    Stream.of(once(Scene.COMMAND, step));
            case KILL_JOURNALED, SIGNAL_ASKED -> Stream.of(once(Scene.KILL, step));
            case EXECUTOR_EXIT_SENT -> Stream.of(new Crash(Scene.GROUP, step, 1, "b"));
            case FRAMEWORK_JOURNALED -> Stream.of(once(Scene.RETURN, step));
            case AGENT_ID_FORGOTTEN -> Stream.of(once(Scene.GONE, step));
            case FRAMEWORK_OVER_JOURNALED -> Stream.of(once(Scene.TEARDOWN, step));
        };
    }

    private final List<Crash> crashes =
            Stream.of(TaskStep.values())
                    .flatMap(TaskCrashTest::at)
                    .sorted(Comparator.comparing(Crash::scene))
                    .toList();
    private CrashSite site;

    /** The crash that the agent that lives will die of. */
    private Optional<Crash> armed = Optional.empty();

    List<Crash> crashes() {
        return crashes;
    }

    @BeforeAll
    void begin() throws Exception {
        site = new CrashSite(crashes.getFirst().jvmOptions());
        armed = Optional.of(crashes.getFirst());
    }

    @AfterAll
    void end() throws Exception {
        site.close();
        assertThat(site.leftOver()).as("an agent that ends leaves no empty cgroup").isEmpty();
    }

    @ParameterizedTest
    @MethodSource("crashes")
    void nothingIsLostAndNothingRunsTwice(Crash crash) throws Exception {
        if (!armed.equals(Optional.of(crash))) {
            site.next(crash.jvmOptions());
        }
        armed = Optional.empty();
        live(crash);
        site.agent.awaitDeath();
        if (crash.scene() == Scene.GROUP && crash.step().compareTo(TaskStep.CREATED) <= 0) {
            assertThat(begun(crash)).as("one before all are created").isFalse();
        }
        // The one that recovers is the one that dies next: half as many JVMs.
        Optional<Crash> next = crashes.stream().skip(crashes.indexOf(crash) + 1L).findFirst();
        site.next(next.map(Crash::jvmOptions).orElse(List.of()));
        armed = next;
        expect(crash);
        site.awaitQuiet();
    }

    private static TaskInfo.Builder command(String id, String shell) {
        return TestScheduler.command(
                id, "echo begun >> $MESOS_SANDBOX/begun; echo out; " + shell, 0.1, 32);
    }

    /** What the agent is asked for until it dies. */
    private void live(Crash crash) throws Exception {
        String name = crash.name();
        switch (crash.scene()) {
            case FIRST -> {}
            case COMMAND -> site.launch(command(name, "exit 0"));
            case KILL -> {
                site.launch(command(name, "exec sleep 1000"));
                AgentID agent =
                        site.scheduler
                                .awaitState(name, SECONDS, TaskState.TASK_RUNNING)
                                .getAgentId();
                site.scheduler.kill(name, agent).accepted();
            }
            case GROUP -> group(crash);
            case BROKEN_GROUP ->
                    site.launchGroup(
                            name,
                            command(name + ".a", "exit 3"),
                            command(name + ".b", "exec sleep 1000"));
            case RETURN -> {
                site.launch(command(name, "while [ ! -e stop ]; do sleep 0.02; done"));
                site.scheduler.awaitState(name, SECONDS, TaskState.TASK_RUNNING);
                site.scheduler.breakOff();
            }
            case GONE -> {
                site.launch(command(name, "exec sleep 1000"));
                AgentID agent =
                        site.scheduler
                                .awaitState(name, SECONDS, TaskState.TASK_RUNNING)
                                .getAgentId();
                site.operator(
                        site.master.port(),
                        "{\"type\":\"MARK_AGENT_GONE\",\"mark_agent_gone\":{\"agent_id\":{\"value\":\""
                                + agent.getValue()
                                + "\"}}}");
            }
            case TEARDOWN -> {
                site.launch(command(name, "exec sleep 1000"));
                site.scheduler.awaitState(name, SECONDS, TaskState.TASK_RUNNING);
                site.scheduler.teardown().accepted();
            }
        }
    }

    /** Two that end by themselves; where the last end is the step, the end of a is known before b may end. */
    private void group(Crash crash) throws Exception {
        String name = crash.name();
        boolean ordered = crash.step() == TaskStep.EXECUTOR_EXIT_SENT;
        String b = ordered ? "while [ ! -e $MESOS_SANDBOX/stop ]; do sleep 0.02; done" : "exit 0";
        site.launchGroup(name, command(name + ".a", "exit 0"), command(name + ".b", b));
        if (ordered) {
            site.scheduler.awaitState(name + ".a", SECONDS, TaskState.TASK_FINISHED);
            Files.createFile(member(crash, "b").resolve("stop"));
        }
    }

    /** What the scheduler must hear, and the sandbox hold, in the end. */
    private void expect(Crash crash) throws Exception {
        String name = crash.name();
        switch (crash.scene()) {
            case FIRST -> {
                site.scheduler.awaitOffer("of the agent", SECONDS, _ -> true);
                assertThat(site.registrations().stream().distinct()).hasSize(1);
            }
            case COMMAND -> ended(name, TaskState.TASK_FINISHED, site.sandbox(name));
            case KILL -> ended(name, TaskState.TASK_KILLED, site.sandbox(name));
            case GROUP -> {
                ended(name + ".a", TaskState.TASK_FINISHED, member(crash, "a"));
                ended(name + ".b", TaskState.TASK_FINISHED, member(crash, "b"));
            }
            case BROKEN_GROUP -> {
                ended(name + ".a", TaskState.TASK_FAILED, member(crash, "a"));
                ended(name + ".b", TaskState.TASK_KILLED, member(crash, "b"));
            }
            case RETURN -> {
                Files.createFile(site.sandbox(name).resolve("stop"));
                ended(name, TaskState.TASK_FINISHED, site.sandbox(name));
            }
            case GONE -> {
                assertThat(site.scheduler.latest(name).orElseThrow().getState())
                        .isEqualTo(TaskState.TASK_GONE_BY_OPERATOR);
                Await.until(
                        "the agent has another id",
                        SECONDS,
                        () -> site.registrations().stream().distinct().count() == 2);
                ranOnce(site.sandbox(name));
            }
            case TEARDOWN -> {
                // Nobody is told of the end.
                site.awaitQuiet();
                ranOnce(site.sandbox(name));
            }
        }
    }

    private Path member(Crash crash, String which) {
        return site.sandbox(crash.name()).resolve("tasks").resolve(crash.name() + "." + which);
    }

    /** Whether any program of a group has begun. */
    private boolean begun(Crash crash) throws IOException {
        Path executor = site.executor(crash.name());
        if (!Files.exists(executor)) {
            return false;
        }
        try (Stream<Path> files = Files.walk(executor)) {
            return files.anyMatch(file -> file.endsWith("begun"));
        }
    }

    private static void ranOnce(Path sandbox) throws IOException {
        assertThat(sandbox.resolve("begun")).hasContent("begun");
        assertThat(sandbox.resolve("stdout")).hasContent("out");
    }

    private void ended(String task, TaskState state, Path sandbox) throws Exception {
        site.scheduler.awaitState(task, SECONDS, state);
        Map<TaskStatus, TaskState> distinct = new LinkedHashMap<>();
        for (TaskStatus status : site.scheduler.updates(task)) {
            assertThat(status.hasUuid()).as("from the agent: %s", status).isTrue();
            distinct.put(status, status.getState());
        }
        List<TaskState> order =
                new ArrayList<>(List.of(TaskState.TASK_STARTING, TaskState.TASK_RUNNING, state));
        // One that ends while no agent is there may never be told as running.
        if (!distinct.containsValue(TaskState.TASK_RUNNING)) {
            order.remove(TaskState.TASK_RUNNING);
        }
        assertThat(distinct.values()).as("in order, each once").containsExactlyElementsOf(order);
        ranOnce(sandbox);
    }
}
