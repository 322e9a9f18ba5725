package dev.berth.agent.cli.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.protocol.v1.Protos.Task;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;

import org.junit.jupiter.api.Test;

class WireTest {
    private static Task.Builder task(TaskState state) {
        Task.Builder task = Task.newBuilder().setState(state);
        task.getTaskIdBuilder().setValue("j-1a.0");
        return task;
    }

    private static TaskStatus.Builder status(TaskState state) {
        TaskStatus.Builder status = TaskStatus.newBuilder().setState(state);
        status.getTaskIdBuilder().setValue("j-1a.0");
        return status;
    }

    @Test
    void whatNeverRanIsSaidWithItsStateAndItsMessage() {
        Task task =
                task(TaskState.TASK_FAILED)
                        .addStatuses(status(TaskState.TASK_STARTING).setMessage("not this"))
                        .addStatuses(
                                status(TaskState.TASK_FAILED)
                                        .setReason(TaskStatus.Reason.REASON_CONTAINER_LAUNCH_FAILED)
                                        .setMessage("no image x"))
                        .buildPartial();
        assertThat(Wire.neverRan(task)).isTrue();
        assertThat(Wire.withoutOutput(task))
                .isEqualTo("worker j-1a.0 has not run (TASK_FAILED: no image x)");
        assertThat(Wire.withoutOutput(task(TaskState.TASK_STAGING).buildPartial()))
                .isEqualTo("worker j-1a.0 has not run (TASK_STAGING)");
    }

    @Test
    void whatWasKilledMayHaveRun() {
        Task task =
                task(TaskState.TASK_KILLED)
                        .addStatuses(status(TaskState.TASK_RUNNING))
                        .addStatuses(status(TaskState.TASK_KILLED).setMessage("killed"))
                        .buildPartial();
        assertThat(Wire.neverRan(task)).isFalse();
        assertThat(Wire.withoutOutput(task))
                .isEqualTo("worker j-1a.0 has no output on its agent (TASK_KILLED: killed)");
    }
}
