package dev.berth.protocol;

import dev.berth.protocol.v1.Protos.TaskState;

/** Mesos's task states, in what master and agent do by them. Any thread. */
public final class TaskStates {
    private TaskStates() {}

    /** Whether a task in this state has ended, as far as anybody can know. */
    public static boolean isTerminal(TaskState state) {
        return switch (state) {
            case TASK_FINISHED,
                    TASK_FAILED,
                    TASK_KILLED,
                    TASK_ERROR,
                    TASK_LOST,
                    TASK_DROPPED,
                    TASK_GONE,
                    TASK_GONE_BY_OPERATOR ->
                    true;
            case TASK_STAGING,
                    TASK_STARTING,
                    TASK_RUNNING,
                    TASK_KILLING,
                    TASK_UNREACHABLE,
                    TASK_UNKNOWN ->
                    false;
        };
    }
}
