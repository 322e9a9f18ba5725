package dev.berth.master;

import dev.berth.master.cluster.Chronicle;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Writes the chronicle to the log, and not more than somebody reads: thousands of agents that come back to a new leader, or a client that is refused a thousand times a second, are a line that counts them.
 *
 * <p>Thread: conductor.
 */
final class MasterChronicle implements Chronicle {
    private static final long WINDOW_NS = TimeUnit.SECONDS.toNanos(10);
    private static final int LINES_PER_WINDOW = 100;

    /** A refused agent tries again every ten seconds, for days. */
    private static final long SAME_AGAIN_NS = TimeUnit.MINUTES.toNanos(10);

    private static final int REMEMBERED = 256;
    private static final int LONGEST = 1000;

    private final LongSupplier clockNs;
    private final Consumer<String> notes;
    private final Consumer<String> warnings;
    private final Map<String, Long> warned =
            new LinkedHashMap<>() {
                @Override
                protected boolean removeEldestEntry(Map.Entry<String, Long> eldest) {
                    return size() > REMEMBERED;
                }
            };
    private long windowNs;
    private int lines;
    private long leftOut;

    /** A chronicle of a monotonic clock. */
    MasterChronicle(LongSupplier clockNs, Consumer<String> notes, Consumer<String> warnings) {
        this.clockNs = clockNs;
        this.notes = notes;
        this.warnings = warnings;
        windowNs = clockNs.getAsLong();
    }

    @Override
    public void note(String sentence) {
        long now = clockNs.getAsLong();
        if (hasRoom(now)) {
            notes.accept(clean(sentence));
        }
    }

    @Override
    public void warn(String sentence) {
        long now = clockNs.getAsLong();
        String line = clean(sentence);
        Long before = warned.get(line);
        if (before != null && now - before < SAME_AGAIN_NS) {
            return;
        }
        if (hasRoom(now)) {
            warned.remove(line);
            warned.put(line, now);
            warnings.accept(line);
        }
    }

    private boolean hasRoom(long now) {
        if (now - windowNs >= WINDOW_NS) {
            if (leftOut > 0) {
                notes.accept(leftOut + " further lines about agents and frameworks were left out");
            }
            windowNs = now;
            lines = 0;
            leftOut = 0;
        }
        if (lines == LINES_PER_WINDOW) {
            leftOut++;
            return false;
        }
        lines++;
        return true;
    }

    /** Names are the clients' choice: none of them may write a line of its own. */
    private static String clean(String sentence) {
        String line = sentence.length() > LONGEST ? sentence.substring(0, LONGEST) + "…" : sentence;
        return line.replaceAll("[\\p{Cntrl}\\u2028\\u2029]", "?");
    }
}
