package dev.berth.containerizer.log;

import java.util.OptionalLong;

/**
 * Which lines are wanted.
 *
 * @param sinceNs only lines of this time (CLOCK_REALTIME) or later
 * @param untilNs only lines of this time or earlier
 * @param tail only the last so many lines of those that are there at the beginning; empty for all
 */
public record LogQuery(
        boolean stdout,
        boolean stderr,
        OptionalLong sinceNs,
        OptionalLong untilNs,
        OptionalLong tail) {
    /** Everything. */
    public static final LogQuery ALL =
            new LogQuery(
                    true, true, OptionalLong.empty(), OptionalLong.empty(), OptionalLong.empty());

    boolean wants(LogLine line) {
        return (line.stream() == LogStream.STDOUT ? stdout : stderr)
                && (sinceNs.isEmpty() || line.realtimeNs() >= sinceNs.getAsLong())
                && (untilNs.isEmpty() || line.realtimeNs() <= untilNs.getAsLong());
    }
}
