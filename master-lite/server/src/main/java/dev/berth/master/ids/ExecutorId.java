package dev.berth.master.ids;

/** An executor, named by its framework and unique there on one agent. */
public record ExecutorId(String value) implements Comparable<ExecutorId> {
    @Override
    public int compareTo(ExecutorId other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
