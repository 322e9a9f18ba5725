package dev.berth.containerizer.log;

/** One line, or a piece of one that is longer than 16 KiB. Immutable as long as nobody writes to {@link #bytes}. */
public final class LogLine {
    private final LogStream stream;
    private final long realtimeNs;
    private final byte[] bytes;

    LogLine(LogStream stream, long realtimeNs, byte[] bytes) {
        this.stream = stream;
        this.realtimeNs = realtimeNs;
        this.bytes = bytes;
    }

    public LogStream stream() {
        return stream;
    }

    /** CLOCK_REALTIME of its first byte. */
    public long realtimeNs() {
        return realtimeNs;
    }

    /** With the newline if it had one: pieces and the last line of a run have none. Not a copy. */
    public byte[] bytes() {
        return bytes;
    }
}
