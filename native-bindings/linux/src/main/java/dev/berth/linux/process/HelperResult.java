package dev.berth.linux.process;

import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;

/**
 * How a helper ended.
 *
 * @param waitStatus as of {@code wait(2)}
 * @param output what it wrote to descriptor 1, up to the limit
 * @param errors what it wrote to descriptor 2, up to the limit
 * @param truncated more than the limit was written to either, and thrown away
 * @param timedOut it was killed at its deadline
 */
@SuppressWarnings("ArrayRecordComponent") // read once, never compared
public record HelperResult(
        int waitStatus, byte[] output, byte[] errors, boolean truncated, boolean timedOut) {

    /** The exit code; empty when a signal ended it. */
    public OptionalInt exitCode() {
        return (waitStatus & 0x7f) == 0
                ? OptionalInt.of((waitStatus >> 8) & 0xff)
                : OptionalInt.empty();
    }

    /** The signal that ended it; empty when it exited. */
    public OptionalInt signal() {
        int signal = waitStatus & 0x7f;
        return signal == 0 ? OptionalInt.empty() : OptionalInt.of(signal);
    }

    /** It exited with 0, in time. */
    public boolean succeeded() {
        return waitStatus == 0 && !timedOut;
    }

    /** For messages: {@code exit code 3}, {@code signal 9 at its deadline}, and the first line that it wrote to descriptor 2. */
    public String describe() {
        String how =
                exitCode().isPresent()
                        ? "exit code " + exitCode().getAsInt()
                        : "signal " + signal().getAsInt();
        String first =
                new String(errors, StandardCharsets.UTF_8).lines().findFirst().orElse("").strip();
        return how + (timedOut ? " at its deadline" : "") + (first.isEmpty() ? "" : ": " + first);
    }
}
