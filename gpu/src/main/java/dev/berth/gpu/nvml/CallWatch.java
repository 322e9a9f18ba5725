package dev.berth.gpu.nvml;

import dev.berth.linux.ErrnoException;

import java.time.Duration;
import java.util.Optional;
import java.util.function.LongSupplier;

/** Knows from a worker's call clock whether one of its threads is over its deadline. Thread: the lane. */
final class CallWatch {
    private final NvmlSettings.Deadlines deadlines;
    private final LongSupplier clock;
    private long nextCheckNs;
    private long lastSequence;
    private long lastChangeNs;

    CallWatch(NvmlSettings.Deadlines deadlines, LongSupplier clock) {
        this.deadlines = deadlines;
        this.clock = clock;
    }

    /** A thread that does not come back: {@code call} is idle when it is in none that is known. */
    record Hang(CallClock.View call, long forNs) {
        /** @param name of the device; empty when none is concerned */
        String words(String name) {
            String what = call.symbol().isEmpty() ? "the GPU worker" : call.symbol();
            String where = name.isEmpty() ? "" : " of " + name;
            return what + where + " has not answered for " + forNs / 1_000_000 + " ms";
        }
    }

    /** Something else is under way from now on. */
    void restart() {
        nextCheckNs = clock.getAsLong();
        lastChangeNs = nextCheckNs;
    }

    /** When {@link #check} may find something, on the clock's scale. */
    long nextCheckNs() {
        return nextCheckNs;
    }

    /**
     * Looks, if it is time to.
     *
     * @param doing what it was told
     */
    Optional<Hang> check(Worker worker, Doing doing) throws ErrnoException {
        long now = clock.getAsLong();
        if (now - nextCheckNs < 0) {
            return Optional.empty();
        }
        CallClock.View[] calls = worker.calls();
        // A call that begins after this look is not due before then.
        long next = now + deadlines.query().toNanos();
        for (int slot = 0; slot < calls.length; slot++) {
            CallClock.View call = calls[slot];
            if (slot == 0 && call.sequence() != lastSequence) {
                lastSequence = call.sequence();
                lastChangeNs = now;
            }
            long since;
            Duration limit;
            if (call.calling()) {
                since = call.startNs();
                limit = limit(call.symbol(), doing);
            } else if (slot == 0 && doing.busy()) {
                since = lastChangeNs;
                limit = quietLimit(doing);
            } else {
                continue;
            }
            long end = since + limit.toNanos();
            if (now - end >= 0) {
                return Optional.of(new Hang(call, now - since));
            }
            next = end - next < 0 ? end : next;
        }
        nextCheckNs = next;
        return Optional.empty();
    }

    private Duration limit(String symbol, Doing doing) {
        if (symbol.startsWith("nvmlInit") || symbol.startsWith("nvmlShutdown")) {
            return deadlines.init();
        }
        if (symbol.startsWith("nvmlDeviceGetHandle")) {
            // The first handle of a device opens it. The others wait while one that hung is asked
            // again.
            boolean probing = doing instanceof Doing.Discovering(boolean now) && now;
            return probing ? deadlines.query() : deadlines.init();
        }
        return symbol.startsWith("nvmlEventSetWait")
                ? deadlines.query().plus(deadlines.eventWait())
                : deadlines.query();
    }

    /** How long a command may be under way without a call: to start a JVM and load the library, and to wait for the event thread. */
    private Duration quietLimit(Doing doing) {
        boolean opening = doing instanceof Doing.Starting || doing instanceof Doing.Discovering;
        return opening ? deadlines.init() : deadlines.query().plus(deadlines.eventWait());
    }
}
