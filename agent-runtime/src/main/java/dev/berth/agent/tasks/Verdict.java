package dev.berth.agent.tasks;

import dev.berth.agent.conductor.ContainerView;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.TaskStatus.Reason;
import dev.berth.protocol.v1.Protos.Value;

/** What the end of a task's container means, in the words of Mesos's command executor. */
final class Verdict {
    private static final int FIRST_SIGNAL = 128;
    private static final int KILLED = 137;

    private Verdict() {}

    /**
     * The last status of a task whose program ran.
     *
     * @param outOfTime whether it was ended because its time was over
     * @param unhealthy why it was ended by its health check; empty when it was not
     */
    static TaskStatus.Builder of(
            TaskEntry entry, ContainerView end, boolean outOfTime, String unhealthy) {
        boolean killed = entry.killGraceNs.isPresent();
        if (end.oomKilled() && end.exitCode() != 0 && !killed) {
            return memory(entry);
        }
        String how =
                end.exitCode() > FIRST_SIGNAL
                        ? "Command terminated with signal " + (end.exitCode() - FIRST_SIGNAL)
                        : "Command exited with status " + end.exitCode();
        if (outOfTime || (!killed && overran(entry, end))) {
            return status(TaskState.TASK_FAILED, how)
                    .setReason(Reason.REASON_MAX_COMPLETION_TIME_REACHED);
        }
        if (killed && !unhealthy.isEmpty()) {
            return status(TaskState.TASK_KILLED, "health check failed: " + unhealthy + "; " + how)
                    .setReason(Reason.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED)
                    .setHealthy(false);
        }
        if (killed) {
            return status(TaskState.TASK_KILLED, how);
        }
        return end.exitCode() == 0
                ? status(TaskState.TASK_FINISHED, how)
                : status(TaskState.TASK_FAILED, how)
                        .setReason(Reason.REASON_COMMAND_EXECUTOR_FAILED);
    }

    /** An agent that has died since may have ended it at its time. */
    private static boolean overran(TaskEntry entry, ContainerView end) {
        long mostNs = entry.info.getMaxCompletionTime().getNanoseconds();
        return mostNs > 0
                && end.exitCode() == KILLED
                && end.finishedNs() - end.startedNs() >= mostNs;
    }

    private static TaskStatus.Builder memory(TaskEntry entry) {
        double limit =
                entry.info.containsLimits("mem")
                        ? entry.info.getLimitsOrThrow("mem").getValue()
                        : TaskLimits.scalar(entry.info, "mem");
        TaskStatus.Builder status =
                status(
                                TaskState.TASK_FAILED,
                                "Memory limit exceeded: the limit is " + limit + " MB")
                        .setReason(Reason.REASON_CONTAINER_LIMITATION_MEMORY);
        status.getLimitationBuilder()
                .addResources(
                        Resource.newBuilder()
                                .setName("mem")
                                .setType(Value.Type.SCALAR)
                                .setScalar(Value.Scalar.newBuilder().setValue(limit)));
        return status;
    }

    static TaskStatus.Builder status(TaskState state, String message) {
        return TaskStatus.newBuilder().setState(state).setMessage(message);
    }
}
