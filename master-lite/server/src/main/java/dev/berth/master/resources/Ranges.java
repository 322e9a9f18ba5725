package dev.berth.master.resources;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A set of whole numbers from 0 on, kept as sorted inclusive ranges that neither overlap nor touch, so that equal sets are equal values. Immutable; any
 * thread. Source: Mesos {@code Value.Ranges}.
 */
public final class Ranges implements Value<Ranges> {
    /** No number. */
    public static final Ranges EMPTY = new Ranges(new long[0]);

    /**
     * One inclusive range.
     *
     * @param begin the first number, from 0
     * @param end the last number, from {@code begin} to {@link Long#MAX_VALUE} - 1
     */
    public record Range(long begin, long end) {
        /**
         * @throws IllegalArgumentException for a range that is negative, backwards, or ends at the largest long
         */
        public Range {
            if (begin < 0 || end < begin || end == Long.MAX_VALUE) {
                throw new IllegalArgumentException(
                        "range [" + begin + "-" + end + "] must have 0 <= begin <= end < 2^63-1");
            }
        }
    }

    /** begin0, end0, begin1, end1, … */
    private final long[] bounds;

    private Ranges(long[] bounds) {
        this.bounds = bounds;
    }

    /** The numbers from {@code begin} to {@code end}, both included; errors as {@link Range}. */
    public static Ranges of(long begin, long end) {
        return of(List.of(new Range(begin, end)));
    }

    /** The numbers that are in any of {@code ranges}, which may overlap and come in any order. */
    public static Ranges of(List<Range> ranges) {
        if (ranges.isEmpty()) {
            return EMPTY;
        }
        List<Range> sorted = new ArrayList<>(ranges);
        sorted.sort((a, b) -> Long.compare(a.begin(), b.begin()));
        long[] bounds = new long[2 * sorted.size()];
        int size = 0;
        for (Range range : sorted) {
            size = append(bounds, size, range.begin(), range.end());
        }
        return trimmed(bounds, size);
    }

    /** The ranges in ascending order. */
    public List<Range> ranges() {
        List<Range> result = new ArrayList<>(bounds.length / 2);
        for (int i = 0; i < bounds.length; i += 2) {
            result.add(new Range(bounds[i], bounds[i + 1]));
        }
        return List.copyOf(result);
    }

    /** How many numbers there are; {@link Long#MAX_VALUE} at most. */
    public long count() {
        long count = 0;
        for (int i = 0; i < bounds.length; i += 2) {
            count += bounds[i + 1] - bounds[i] + 1;
        }
        return count;
    }

    /** Whether {@code number} is in the set. */
    public boolean contains(long number) {
        for (int i = 0; i < bounds.length && bounds[i] <= number; i += 2) {
            if (number <= bounds[i + 1]) {
                return true;
            }
        }
        return false;
    }

    @Override
    public Ranges plus(Ranges other) {
        if (other.isEmpty()) {
            return this;
        }
        if (isEmpty()) {
            return other;
        }
        long[] b = other.bounds;
        long[] result = new long[bounds.length + b.length];
        int size = 0;
        int i = 0;
        int j = 0;
        while (i < bounds.length || j < b.length) {
            if (j == b.length || (i < bounds.length && bounds[i] <= b[j])) {
                size = append(result, size, bounds[i], bounds[i + 1]);
                i += 2;
            } else {
                size = append(result, size, b[j], b[j + 1]);
                j += 2;
            }
        }
        return trimmed(result, size);
    }

    @Override
    public Ranges without(Ranges other) {
        if (isEmpty() || other.isEmpty()) {
            return this;
        }
        long[] b = other.bounds;
        long[] result = new long[bounds.length + b.length];
        int size = 0;
        int j = 0;
        for (int i = 0; i < bounds.length; i += 2) {
            long begin = bounds[i];
            long end = bounds[i + 1];
            while (j < b.length && b[j + 1] < begin) {
                j += 2;
            }
            for (int k = j; k < b.length && b[k] <= end && begin <= end; k += 2) {
                if (b[k] > begin) {
                    size = append(result, size, begin, b[k] - 1);
                }
                begin = b[k + 1] + 1;
            }
            if (begin <= end) {
                size = append(result, size, begin, end);
            }
        }
        return trimmed(result, size);
    }

    @Override
    public boolean contains(Ranges other) {
        long[] b = other.bounds;
        int i = 0;
        for (int j = 0; j < b.length; j += 2) {
            while (i < bounds.length && bounds[i + 1] < b[j]) {
                i += 2;
            }
            if (i == bounds.length || b[j] < bounds[i] || b[j + 1] > bounds[i + 1]) {
                return false;
            }
        }
        return true;
    }

    @Override
    public boolean isEmpty() {
        return bounds.length == 0;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Ranges ranges && Arrays.equals(bounds, ranges.bounds);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bounds);
    }

    /** As Mesos prints it: {@code [31000-32000, 33000-33000]}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("[");
        for (int i = 0; i < bounds.length; i += 2) {
            text.append(i == 0 ? "" : ", ").append(bounds[i]).append('-').append(bounds[i + 1]);
        }
        return text.append(']').toString();
    }

    /** Appends a range that begins no earlier than the last one, and joins what touches. */
    private static int append(long[] bounds, int size, long begin, long end) {
        if (size > 0 && begin <= bounds[size - 1] + 1) {
            bounds[size - 1] = Math.max(bounds[size - 1], end);
            return size;
        }
        bounds[size] = begin;
        bounds[size + 1] = end;
        return size + 2;
    }

    private static Ranges trimmed(long[] bounds, int size) {
        return size == 0
                ? EMPTY
                : new Ranges(size == bounds.length ? bounds : Arrays.copyOf(bounds, size));
    }
}
