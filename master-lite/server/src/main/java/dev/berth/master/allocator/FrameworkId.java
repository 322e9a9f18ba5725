package dev.berth.master.allocator;

/** A framework's id as the master gave it out. */
public record FrameworkId(String value) implements Comparable<FrameworkId> {
    @Override
    public int compareTo(FrameworkId other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
