package dev.berth.master.ids;

/** An offer: {@code <master id>-O<n>}; never used twice. */
public record OfferId(String value) implements Comparable<OfferId> {
    @Override
    public int compareTo(OfferId other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
