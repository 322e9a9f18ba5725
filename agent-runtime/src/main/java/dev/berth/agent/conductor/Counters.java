package dev.berth.agent.conductor;

import java.util.concurrent.atomic.AtomicLongArray;

/** The values of all {@link Counter}s. Any thread. */
public final class Counters {
    private final AtomicLongArray values = new AtomicLongArray(Counter.values().length);

    public void increment(Counter counter) {
        values.incrementAndGet(counter.ordinal());
    }

    public void add(Counter counter, long amount) {
        values.addAndGet(counter.ordinal(), amount);
    }

    public long value(Counter counter) {
        return values.get(counter.ordinal());
    }
}
