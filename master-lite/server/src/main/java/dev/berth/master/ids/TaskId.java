package dev.berth.master.ids;

/** A task, named by its framework and unique there among the tasks that have not ended. */
public record TaskId(String value) implements Comparable<TaskId> {
    @Override
    public int compareTo(TaskId other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
