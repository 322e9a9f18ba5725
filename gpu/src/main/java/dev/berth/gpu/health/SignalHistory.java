package dev.berth.gpu.health;

import dev.berth.gpu.HealthSignal;
import dev.berth.isolator.ContainerId;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The last signals of one device, for people: {@value #SIZE} lines, one for all equal ones of a minute, so that a storm of hours does not push out what came before it.
 *
 * <p>Thread: one at a time; {@link #seen} copies.
 */
public final class SignalHistory {
    static final int SIZE = 64;
    private static final int DETAIL_CHARS = 256;
    private static final long SAME_LINE_NS = 60_000_000_000L;

    private final @Nullable Line[] lines = new @Nullable Line[SIZE];
    private int next;

    private static final class Line {
        final long firstNs;
        long lastNs;
        long count = 1;
        final HealthSignal.Kind kind;
        final int code;
        final String detail;
        String source;
        OptionalInt pid;
        Optional<ContainerId> container;
        final String action;

        Line(HealthSignal signal, Optional<ContainerId> container, String action, long now) {
            firstNs = now;
            lastNs = now;
            kind = signal.kind();
            code = signal.code();
            String said = signal.detail();
            detail = said.length() <= DETAIL_CHARS ? said : said.substring(0, DETAIL_CHARS) + "…";
            source = signal.source();
            pid = signal.pid();
            this.container = container;
            this.action = action;
        }

        boolean same(HealthSignal signal, long now) {
            return kind == signal.kind()
                    && code == signal.code()
                    && (pid.isEmpty() || signal.pid().isEmpty() || pid.equals(signal.pid()))
                    && Math.abs(now - lastNs) <= SAME_LINE_NS;
        }
    }

    /**
     * One line of the history.
     *
     * @param firstNs CLOCK_REALTIME of the first of {@code count} equal signals
     * @param source {@code nvml}, {@code kmsg}, or both joined by {@code +}
     * @param action what was done about it
     */
    public record Seen(
            long firstNs,
            long lastNs,
            long count,
            HealthSignal.Kind kind,
            int code,
            String detail,
            String source,
            OptionalInt pid,
            Optional<ContainerId> container,
            String action) {}

    /** Notes a signal; returns whether its line was there already. */
    boolean add(HealthSignal signal, Optional<ContainerId> container, String action, long now) {
        Line known = find(signal, now);
        if (known == null) {
            lines[next] = new Line(signal, container, action, now);
            next = (next + 1) % SIZE;
            return false;
        }
        known.count++;
        known.lastNs = now;
        if (!known.source.contains(signal.source())) {
            known.source = known.source + "+" + signal.source();
        }
        if (known.pid.isEmpty()) {
            known.pid = signal.pid();
        }
        if (container.isPresent()) {
            known.container = container;
        }
        return true;
    }

    private @Nullable Line find(HealthSignal signal, long now) {
        for (int back = 1; back <= SIZE; back++) {
            Line line = lines[(next - back + SIZE) % SIZE];
            if (line == null) {
                return null;
            }
            if (line.same(signal, now)) {
                return line;
            }
        }
        return null;
    }

    /** Oldest first. */
    List<Seen> seen() {
        List<Seen> result = new ArrayList<>();
        for (int i = 0; i < SIZE; i++) {
            Line line = lines[(next + i) % SIZE];
            if (line != null) {
                result.add(
                        new Seen(
                                line.firstNs,
                                line.lastNs,
                                line.count,
                                line.kind,
                                line.code,
                                line.detail,
                                line.source,
                                line.pid,
                                line.container,
                                line.action));
            }
        }
        return result;
    }
}
