package dev.berth.tests.root.tasks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.TaskStatus.Reason;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

import java.util.List;
import java.util.Optional;

/** How tasks end: by themselves, when they are told to, when they do not listen, when their time is over. */
@Tag("root")
@Timeout(60)
@ExtendWith(TaskCluster.Shared.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TaskEndTest {
    private TaskCluster cluster;

    @BeforeAll
    void begin(TaskCluster shared) {
        cluster = shared;
    }

    private List<TaskState> states(TaskInfo.Builder task) {
        return cluster.scheduler.updates(TaskCluster.id(task)).stream()
                .map(TaskStatus::getState)
                .toList();
    }

    /** Says that it is there, and what it is told. */
    private TaskInfo.Builder deaf(String base) throws Exception {
        TaskInfo.Builder task =
                cluster.shell(
                        base,
                        "trap 'echo told' TERM; touch $MESOS_SANDBOX/ready; while true; do sleep 0.02; done");
        return task;
    }

    private void ready(TaskInfo.Builder task) throws Exception {
        dev.berth.tests.kit.Await.until(
                "the task has set its trap",
                20,
                () -> java.nio.file.Files.exists(cluster.sandbox(task).resolve("ready")));
    }

    @Test
    void theGracePeriodIsGivenAndThenItIsKilled() throws Exception {
        TaskInfo.Builder task = deaf("deaf").setKillPolicy(TaskCluster.grace(700));
        cluster.launch(task);
        cluster.running(task);
        ready(task);
        cluster.kill(task, Optional.empty());
        TaskStatus killing =
                cluster.update(task, "killing", s -> s.getState() == TaskState.TASK_KILLING);
        TaskStatus end = cluster.end(task);
        assertThat(end.getState()).isEqualTo(TaskState.TASK_KILLED);
        assertThat(end.getMessage()).contains("signal 9");
        assertThat(end.getTimestamp() - killing.getTimestamp()).isBetween(0.65, 3.0);
        assertThat(cluster.stdout(task)).isEqualTo("told\n");
        assertThat(states(task))
                .containsExactly(
                        TaskState.TASK_STARTING,
                        TaskState.TASK_RUNNING,
                        TaskState.TASK_KILLING,
                        TaskState.TASK_KILLED);
    }

    @Test
    void anotherKillCanShortenTheGracePeriodAndNotProlongIt() throws Exception {
        TaskInfo.Builder task = deaf("twice").setKillPolicy(TaskCluster.grace(600_000));
        cluster.launch(task);
        cluster.running(task);
        ready(task);
        cluster.kill(task, Optional.empty());
        TaskStatus killing =
                cluster.update(task, "killing", s -> s.getState() == TaskState.TASK_KILLING);
        cluster.kill(task, Optional.of(TaskCluster.grace(900_000)));
        cluster.kill(task, Optional.of(TaskCluster.grace(500)));
        TaskStatus end = cluster.end(task);
        assertThat(end.getState()).isEqualTo(TaskState.TASK_KILLED);
        assertThat(end.getTimestamp() - killing.getTimestamp()).isBetween(0.4, 5.0);
        assertThat(cluster.stdout(task)).as("SIGTERM once").isEqualTo("told\n");
        assertThat(states(task)).containsOnlyOnce(TaskState.TASK_KILLING);
    }

    @Test
    void oneThatListensEndsAsItLikesAndIsStillKilled() throws Exception {
        TaskInfo.Builder task =
                cluster.shell(
                        "polite",
                        "trap 'echo bye; exit 0' TERM; touch $MESOS_SANDBOX/ready; while true; do sleep 0.02; done");
        cluster.launch(task);
        cluster.running(task);
        ready(task);
        cluster.kill(task, Optional.empty());
        TaskStatus end = cluster.end(task);
        assertThat(end.getState()).isEqualTo(TaskState.TASK_KILLED);
        assertThat(end.getMessage()).contains("status 0");
        assertThat(cluster.stdout(task)).isEqualTo("bye\n");
    }

    @Test
    void itIsKilledWhileItsImageIsPulled() throws Exception {
        TaskInfo.Builder task = cluster.shell("pulling", "true");
        task.setContainer(TaskCluster.image(cluster.silentRegistry() + "/never/comes:1"));
        cluster.launch(task);
        cluster.update(task, "starting", s -> s.getState() == TaskState.TASK_STARTING);
        long asked = System.nanoTime();
        cluster.kill(task, Optional.empty());
        TaskStatus end = cluster.end(task);
        assertThat(System.nanoTime() - asked).isLessThan(3_000_000_000L);
        assertThat(end.getState()).isEqualTo(TaskState.TASK_KILLED);
        assertThat(end.getReason()).isEqualTo(Reason.REASON_TASK_KILLED_DURING_LAUNCH);
    }

    @Test
    void itsTimeIsOver() throws Exception {
        TaskInfo.Builder task = deaf("late").setKillPolicy(TaskCluster.grace(600_000));
        task.getMaxCompletionTimeBuilder().setNanoseconds(600_000_000);
        TaskStatus end = cluster.run(task);
        assertThat(end.getState()).isEqualTo(TaskState.TASK_FAILED);
        assertThat(end.getReason()).isEqualTo(Reason.REASON_MAX_COMPLETION_TIME_REACHED);
        double begun =
                cluster.update(task, "running", s -> s.getState() == TaskState.TASK_RUNNING)
                        .getTimestamp();
        assertThat(end.getTimestamp() - begun).as("without a grace period").isBetween(0.5, 4.0);
        assertThat(states(task)).doesNotContain(TaskState.TASK_KILLING);
    }

    @Test
    void oneThatIsFastEnoughHasFinished() throws Exception {
        TaskInfo.Builder task = cluster.shell("fast", "exit 0");
        task.getMaxCompletionTimeBuilder().setNanoseconds(60_000_000_000L);
        assertThat(cluster.run(task).getState()).isEqualTo(TaskState.TASK_FINISHED);
    }

    @Test
    void howItEndedIsSaid() throws Exception {
        TaskStatus failed = cluster.run(cluster.shell("failed", "exit 42"));
        assertThat(failed.getState()).isEqualTo(TaskState.TASK_FAILED);
        assertThat(failed.getMessage()).isEqualTo("Command exited with status 42");
        TaskStatus signalled = cluster.run(cluster.shell("signalled", "kill -SEGV $$"));
        assertThat(signalled.getState()).isEqualTo(TaskState.TASK_FAILED);
        assertThat(signalled.getMessage()).isEqualTo("Command terminated with signal 11");
        TaskStatus missing = cluster.run(cluster.exec("missing", "/no/such/program"));
        assertThat(missing.getState()).isEqualTo(TaskState.TASK_FAILED);
        assertThat(missing.getReason()).isEqualTo(Reason.REASON_CONTAINER_LAUNCH_FAILED);
        assertThat(missing.getMessage()).contains("/no/such/program");
    }
}
