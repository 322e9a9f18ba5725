package dev.berth.agent;

import java.util.concurrent.CompletableFuture;

/** Locks and waits for futures in a conductor package, on purpose. */
public final class BrokenConductor {
    private int count;

    /** Locks. */
    public synchronized int count() {
        return count++;
    }

    /** Hands out a future. */
    public CompletableFuture<Integer> later() {
        return CompletableFuture.completedFuture(count());
    }
}
