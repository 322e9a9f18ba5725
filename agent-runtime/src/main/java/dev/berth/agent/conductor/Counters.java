package dev.berth.agent.conductor;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** The values of all {@link Counter}s. Any thread. */
public final class Counters {
    private final Map<Counter, LongAdder> values;

    public Counters() {
        EnumMap<Counter, LongAdder> all = new EnumMap<>(Counter.class);
        for (Counter counter : Counter.values()) {
            all.put(counter, new LongAdder());
        }
        values = Collections.unmodifiableMap(all);
    }

    public void increment(Counter counter) {
        add(counter, 1);
    }

    public void add(Counter counter, long amount) {
        LongAdder value = values.get(counter);
        if (value != null) {
            value.add(amount);
        }
    }

    public long value(Counter counter) {
        LongAdder value = values.get(counter);
        return value == null ? 0 : value.sum();
    }
}
