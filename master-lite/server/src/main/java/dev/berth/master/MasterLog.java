package dev.berth.master;

import java.io.PrintStream;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** Lines for the operator on standard error: time, level, message. Nothing is logged in the steady state. Any thread. */
final class MasterLog {
    private static final PrintStream OUT = System.err;

    private MasterLog() {}

    static void info(String message) {
        line("INFO ", message);
    }

    static void warn(String message) {
        line("WARN ", message);
    }

    static void error(String message, Throwable cause) {
        line("ERROR", message + ": " + cause);
        // Only our own bugs come here: their stack is the way to them.
        cause.printStackTrace(OUT);
    }

    private static void line(String level, String message) {
        OUT.println(
                Instant.now(Clock.systemUTC()).truncatedTo(ChronoUnit.MILLIS)
                        + " "
                        + level
                        + " "
                        + message);
    }
}
