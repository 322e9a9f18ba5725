package dev.berth.agent.device;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Keeps the figures of devices fresh while somebody looks, and only then: a reading wakes a GPU's driver.
 *
 * <p>Thread: conductor.
 */
final class Readings {
    /** How long a reader waits for a source that does not answer. */
    private static final long FRESH_NS = 300_000_000L;

    /** How long samples go on to be taken after somebody asked. */
    private static final long WATCHED_NS = 10_000_000_000L;

    private static final long SAMPLE_NS = 1_000_000_000L;

    private record Reader(long untilNs, Consumer<DeviceSnapshot> receiver) {}

    private final Collection<DeviceStock> stocks;
    private final Supplier<DeviceSnapshot> snapshot;
    private final List<Reader> readers = new ArrayList<>();
    private long watchedUntilNs;
    private long nextSampleNs = Long.MAX_VALUE;

    Readings(Collection<DeviceStock> stocks, Supplier<DeviceSnapshot> snapshot, long nowNs) {
        this.stocks = stocks;
        this.snapshot = snapshot;
        this.watchedUntilNs = nowNs;
    }

    /** Asks the sources when that is due. */
    void sample(long nowNs) {
        if (nextSampleNs - nowNs <= 0) {
            nextSampleNs = watchedUntilNs - nowNs > 0 ? nowNs + SAMPLE_NS : Long.MAX_VALUE;
            if (nextSampleNs != Long.MAX_VALUE) {
                stocks.forEach(DeviceStock::sample);
            }
        }
    }

    /** Answers who waits, when the sources have answered or the reader's patience is over. */
    void answer(long nowNs) {
        if (readers.isEmpty()) {
            return;
        }
        boolean sampled = stocks.stream().allMatch(DeviceStock::sampled);
        for (Reader reader : List.copyOf(readers)) {
            if (sampled || reader.untilNs() - nowNs <= 0) {
                readers.remove(reader);
                reader.receiver().accept(snapshot.get());
            }
        }
    }

    /** Hands on a snapshot with figures that are fresh, or the last ones where the sources do not answer at once; for a while figures are then kept fresh. */
    void fresh(long nowNs, Consumer<DeviceSnapshot> receiver) {
        boolean watched = watchedUntilNs - nowNs > 0;
        watchedUntilNs = nowNs + WATCHED_NS;
        if (stocks.isEmpty() || watched) {
            receiver.accept(snapshot.get());
            return;
        }
        nextSampleNs = nowNs + SAMPLE_NS;
        stocks.forEach(DeviceStock::sample);
        readers.add(new Reader(nowNs + FRESH_NS, receiver));
    }

    /** When something is due; Long.MAX_VALUE when nothing is. */
    long nextNs() {
        long next = nextSampleNs;
        for (Reader reader : readers) {
            next = Math.min(next, reader.untilNs());
        }
        return next;
    }
}
