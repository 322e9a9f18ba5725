package dev.berth.master.transport;

/**
 * How much one client may take of the master.
 *
 * @param bodyBytes of one request, also after decompression
 * @param recordBytes of one message on an agent's link
 * @param queuedMessages that a subscriber may be behind: no fewer than a framework has tasks, or it could never ask for all of them at once
 * @param queuedBytes that a subscriber may be behind, in protobuf's size
 * @param inFlight messages of one link that the conductor has not seen yet; then its socket is not read
 * @param reads what all readers of the cluster's state together may take
 */
public record Limits(
        int bodyBytes,
        int recordBytes,
        int queuedMessages,
        long queuedBytes,
        int inFlight,
        ReadLimits reads) {
    /** Enough for any real client. */
    public static final Limits USUAL = new Limits(32 << 20, 64 << 20, 200_000, 64L << 20, 1024);

    /** With the usual limits of reads. */
    public Limits(
            int bodyBytes, int recordBytes, int queuedMessages, long queuedBytes, int inFlight) {
        this(bodyBytes, recordBytes, queuedMessages, queuedBytes, inFlight, ReadLimits.USUAL);
    }

    /** The same with others. */
    Limits with(ReadLimits others) {
        return new Limits(bodyBytes, recordBytes, queuedMessages, queuedBytes, inFlight, others);
    }
}
