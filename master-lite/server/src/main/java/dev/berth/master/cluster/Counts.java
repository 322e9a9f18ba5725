package dev.berth.master.cluster;

import dev.berth.protocol.v1.Protos.TaskState;

/** The master's counters. */
public final class Counts {
    private final long[] counts = new long[Count.values().length];

    public void add(Count count) {
        counts[count.ordinal()]++;
    }

    public long value(Count count) {
        return counts[count.ordinal()];
    }

    /** A task came to this state, which is one of an end. */
    void ended(TaskState state) {
        switch (state) {
            case TASK_FINISHED -> add(Count.TASKS_FINISHED);
            case TASK_FAILED -> add(Count.TASKS_FAILED);
            case TASK_KILLED -> add(Count.TASKS_KILLED);
            case TASK_ERROR -> add(Count.TASKS_ERROR);
            case TASK_LOST -> add(Count.TASKS_LOST);
            case TASK_DROPPED -> add(Count.TASKS_DROPPED);
            case TASK_GONE -> add(Count.TASKS_GONE);
            case TASK_GONE_BY_OPERATOR -> add(Count.TASKS_GONE_BY_OPERATOR);
            default -> {}
        }
    }
}
