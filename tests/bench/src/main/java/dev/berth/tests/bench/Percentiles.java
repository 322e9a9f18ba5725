package dev.berth.tests.bench;

import java.util.Arrays;
import java.util.Locale;

/** A sample of durations in nanoseconds. */
public record Percentiles(long[] sorted) {
    /** Of all of these. */
    public static Percentiles of(long[] samples) {
        long[] copy = samples.clone();
        Arrays.sort(copy);
        return new Percentiles(copy);
    }

    /** The p-th percentile (0 to 100), nearest rank. */
    public long at(double p) {
        return sorted[
                Math.min(
                        sorted.length - 1,
                        (int) Math.ceil(p / 100 * sorted.length) - 1 < 0
                                ? 0
                                : (int) Math.ceil(p / 100 * sorted.length) - 1)];
    }

    String row(String name) {
        return String.format(
                Locale.ROOT,
                "%-34s %8.2f %8.2f %8.2f %8.2f %8.2f   (%d)",
                name,
                at(0) / 1e6,
                at(10) / 1e6,
                at(50) / 1e6,
                at(99) / 1e6,
                at(100) / 1e6,
                sorted.length);
    }
}
