package dev.berth.gpu.simulator;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What goes wrong with NVML calls.
 *
 * @param what code, delay or hang
 * @param function exported name such as {@code nvmlDeviceGetMemoryInfo_v2}, {@code init} for both that initialize; empty for every function
 * @param gpu empty for calls about whatever GPU, or none
 * @param from the first matching call that it hits, counted from 1 at arming over all processes
 * @param times how many calls it hits; 0 for all from then on
 * @param whole a hang keeps the other threads of its process out of the library as well
 */
public record Fault(
        What what, Optional<String> function, OptionalInt gpu, int from, int times, boolean whole) {

    /** How it shows. */
    public sealed interface What {
        /** The call answers this nvmlReturn_t. */
        record Code(int value) implements What {}

        /** The call takes so much longer. */
        record Slow(Duration delay) implements What {}

        /** Calls do not return until so long after the arming; for ever when empty. */
        record Hang(Optional<Duration> length) implements What {}
    }

    public static Fault code(int value) {
        return new Fault(new What.Code(value), Optional.empty(), OptionalInt.empty(), 1, 0, false);
    }

    public static Fault slow(Duration delay) {
        return new Fault(new What.Slow(delay), Optional.empty(), OptionalInt.empty(), 1, 0, false);
    }

    public static Fault hang(Duration length) {
        return new Fault(
                new What.Hang(Optional.of(length)),
                Optional.empty(),
                OptionalInt.empty(),
                1,
                0,
                false);
    }

    public static Fault hangForEver() {
        return new Fault(
                new What.Hang(Optional.empty()),
                Optional.empty(),
                OptionalInt.empty(),
                1,
                0,
                false);
    }

    public Fault in(String name) {
        return new Fault(what, Optional.of(name), gpu, from, times, whole);
    }

    public Fault on(int number) {
        return new Fault(what, function, OptionalInt.of(number), from, times, whole);
    }

    /** From the {@code first}th matching call on, {@code count} of them, 0 for all. */
    public Fault calls(int first, int count) {
        return new Fault(what, function, gpu, first, count, whole);
    }

    /** It keeps every other thread of the process out of the library, as a hang below NVML's own lock does. */
    public Fault holdingTheLibrary() {
        return new Fault(what, function, gpu, from, times, true);
    }

    /** The line that arms it. */
    String command() {
        StringBuilder line =
                new StringBuilder(
                        switch (what) {
                            case What.Code(int value) -> "fail " + value;
                            case What.Slow(Duration delay) -> "slow " + delay.toMillis();
                            case What.Hang(Optional<Duration> length) ->
                                    "hang " + length.map(d -> "" + d.toMillis()).orElse("ever");
                        });
        function.ifPresent(name -> line.append(" function=").append(name));
        gpu.ifPresent(number -> line.append(" gpu=").append(number));
        return line.append(" from=" + from + " times=" + times + " whole=" + (whole ? 1 : 0))
                .toString();
    }
}
