package dev.berth.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.TaskStatus.Reason;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TaskEndTest {
    @ParameterizedTest
    @CsvSource({
        "TASK_FINISHED, , Command exited with status 0, 0",
        "TASK_FAILED, REASON_COMMAND_EXECUTOR_FAILED, Command exited with status 3, 3",
        "TASK_FAILED, REASON_COMMAND_EXECUTOR_FAILED, Command terminated with signal 9, 137",
        "TASK_KILLED, , Command terminated with signal 15, 143",
        "TASK_FAILED, REASON_CONTAINER_LAUNCH_FAILED, 'exec: \"x\": executable file not found in $PATH', 127",
        "TASK_FAILED, REASON_CONTAINER_LAUNCH_FAILED, 'exec: \"x\": permission denied', 126",
        "TASK_FAILED, REASON_CONTAINER_LAUNCH_FAILED, pull x: no route, 125",
        "TASK_ERROR, REASON_TASK_INVALID, gpus must be whole, 125",
        "TASK_LOST, REASON_AGENT_REMOVED, the agent is gone, 125",
        "TASK_UNREACHABLE, REASON_AGENT_REMOVED, Agent x is unreachable, 125",
        "TASK_FAILED, REASON_MAX_COMPLETION_TIME_REACHED, Command terminated with signal 15, 124"
    })
    void theExitCodeIsTheCommandsOrDockersOwn(
            TaskState state, Reason reason, String message, int code) {
        TaskStatus.Builder status = TaskStatus.newBuilder().setState(state).setMessage(message);
        if (reason != null) {
            status.setReason(reason);
        }
        assertThat(TaskEnd.exitCode(status.buildPartial())).isEqualTo(code);
    }
}
