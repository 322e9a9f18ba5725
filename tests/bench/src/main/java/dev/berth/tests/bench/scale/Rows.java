package dev.berth.tests.bench.scale;

import dev.berth.tests.bench.Percentiles;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Figures, a line each. */
final class Rows {
    private static final PrintStream OUT =
            new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private Rows() {}

    static void milliseconds(String what, long[] ns) {
        row(what, ns, 1e6, "ms");
    }

    static void microseconds(String what, long[] ns) {
        row(what, ns, 1e3, "us");
    }

    private static void row(String what, long[] ns, double unit, String name) {
        Percentiles sorted = Percentiles.of(ns);
        OUT.printf(
                Locale.ROOT,
                "%-62s p50 %8.1f  p99 %8.1f  max %8.1f %s  (%d)%n",
                what,
                sorted.at(50) / unit,
                sorted.at(99) / unit,
                sorted.at(100) / unit,
                name,
                ns.length);
    }
}
