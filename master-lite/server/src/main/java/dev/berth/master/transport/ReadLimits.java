package dev.berth.master.transport;

/**
 * How much all readers of the cluster's state together may take of the master. Beyond the first two, 503 with {@code Retry-After}.
 *
 * @param readers that wait for an answer or have not taken all of theirs
 * @param bytes of answers that were made and not taken; an answer that several readers share counts once, and the last one may go beyond
 * @param takenWithinSeconds whoever has not taken an answer by then is cut off
 */
public record ReadLimits(int readers, long bytes, int takenWithinSeconds) {
    /** Enough for any number of dashboards, in a quarter of the heap. */
    public static final ReadLimits USUAL =
            new ReadLimits(1000, Math.max(64L << 20, Runtime.getRuntime().maxMemory() / 4), 120);
}
