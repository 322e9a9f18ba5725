package dev.berth.master.cluster;

import dev.berth.protocol.v1.Protos.TaskState;

import org.agrona.collections.MutableLong;

import java.util.EnumMap;
import java.util.Map;

/** The master's counters. */
public final class Counts {
    private final Map<Count, MutableLong> counts = new EnumMap<>(Count.class);

    public void add(Count count) {
        counts.computeIfAbsent(count, _ -> new MutableLong()).increment();
    }

    public long value(Count count) {
        MutableLong value = counts.get(count);
        return value == null ? 0 : value.get();
    }

    /** As they are now, for any thread. */
    Counts copy() {
        Counts copy = new Counts();
        counts.forEach((count, value) -> copy.counts.put(count, new MutableLong(value.get())));
        return copy;
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
