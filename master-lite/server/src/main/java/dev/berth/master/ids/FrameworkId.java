package dev.berth.master.ids;

/** A framework, named by the master that first saw it: {@code <master id>-NNNN}; the framework keeps it for its next subscription. */
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
