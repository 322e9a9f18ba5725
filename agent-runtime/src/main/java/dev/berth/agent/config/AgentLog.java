package dev.berth.agent.config;

import java.io.PrintStream;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** Lines for the operator on standard error: time, level, message. Nothing is logged in the steady state. Any thread. */
public final class AgentLog {
    private static final PrintStream OUT = System.err;

    private AgentLog() {}

    public static void info(String message) {
        line("INFO ", message);
    }

    public static void warn(String message) {
        line("WARN ", message);
    }

    public static void error(String message, Throwable cause) {
        StringBuilder text = new StringBuilder(message);
        for (Throwable next = cause; next != null; next = next.getCause()) {
            text.append(": ").append(next);
        }
        line("ERROR", text.toString());
        if (cause instanceof RuntimeException) {
            // Only our own bugs are unchecked: their stack is the way to them.
            cause.printStackTrace(OUT);
        }
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
