package dev.berth.master.cluster;

import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.TaskId;
import dev.berth.protocol.v1.Protos.FrameworkInfo.Capability;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import java.util.Optional;

/** Status updates that the master makes: without a uuid, so that nobody acknowledges them. */
public final class Statuses {
    private Statuses() {}

    /** A status of the master's own. */
    public static TaskStatus.Builder of(
            TaskId task,
            Optional<AgentId> agent,
            TaskState state,
            TaskStatus.Reason reason,
            String message,
            long nowNs) {
        TaskStatus.Builder status =
                TaskStatus.newBuilder()
                        .setTaskId(Wire.taskId(task))
                        .setState(state)
                        .setSource(TaskStatus.Source.SOURCE_MASTER)
                        .setReason(reason)
                        .setMessage(message)
                        .setTimestamp(nowNs / 1e9);
        agent.ifPresent(id -> status.setAgentId(Wire.agentId(id)));
        return status;
    }

    /** A state that only frameworks with PARTITION_AWARE know; the others see TASK_LOST. */
    public static TaskState orLost(Framework framework, TaskState state) {
        return framework.has(Capability.Type.PARTITION_AWARE) ? state : TaskState.TASK_LOST;
    }

    /** The event that carries a status. */
    public static Event update(TaskStatus status) {
        return Event.newBuilder()
                .setType(Event.Type.UPDATE)
                .setUpdate(Event.Update.newBuilder().setStatus(status))
                .build();
    }
}
