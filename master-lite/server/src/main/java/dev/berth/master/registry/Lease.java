package dev.berth.master.registry;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * How long a leader may answer as one without another word of ZooKeeper: shorter than its session, so that it has stopped, by this machine's clock, before another can lead. Over once, it is over for good. Any thread.
 */
public final class Lease {
    private final LongSupplier clockNs;
    private final long lengthNs;
    private final AtomicLong heardNs;
    private volatile boolean over;

    /**
     * A lease that begins.
     *
     * @param clockNs a clock that never goes back
     * @param lengthNs how long it lasts after each word
     * @param askedNs when the question was sent that ZooKeeper has answered
     */
    public Lease(LongSupplier clockNs, long lengthNs, long askedNs) {
        this.clockNs = clockNs;
        this.lengthNs = lengthNs;
        heardNs = new AtomicLong(askedNs);
    }

    /** ZooKeeper has answered what was asked at that time: the session lived then. */
    public void renew(long askedNs) {
        heardNs.accumulateAndGet(askedNs, (before, now) -> now - before > 0 ? now : before);
    }

    /** Whether this master may still answer as the leader. */
    public boolean isHeld() {
        if (!over && clockNs.getAsLong() - heardNs.get() > lengthNs) {
            over = true;
        }
        return !over;
    }

    /** Ends it now. */
    public void end() {
        over = true;
    }
}
