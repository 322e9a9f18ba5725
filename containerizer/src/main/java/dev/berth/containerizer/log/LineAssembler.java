package dev.berth.containerizer.log;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** Puts the lines of one stream together across frames. */
final class LineAssembler {
    static final int PIECE_BYTES = 16384;

    private final LogStream stream;
    private byte[] pending = new byte[256];
    private int length;
    private long startedNs;
    private boolean broken;

    /**
     * @param broken whether reading begins in the middle of the stream, so that the first line may lack its beginning
     */
    LineAssembler(LogStream stream, boolean broken) {
        this.stream = stream;
        this.broken = broken;
    }

    void add(ByteBuffer payload, long realtimeNs, LineHandler handler) {
        ByteBuffer rest = payload.duplicate();
        while (rest.hasRemaining()) {
            byte b = rest.get();
            if (length == 0) {
                startedNs = realtimeNs;
            }
            if (length == pending.length) {
                pending = Arrays.copyOf(pending, Math.min(PIECE_BYTES, pending.length * 4));
            }
            pending[length++] = b;
            if (b == '\n' || length == PIECE_BYTES) {
                emit(handler);
            }
        }
    }

    /** Hands on an unfinished line, if there is one. */
    void flush(LineHandler handler) {
        if (length > 0) {
            emit(handler);
        }
    }

    private void emit(LineHandler handler) {
        boolean wasBroken = broken;
        broken = false;
        LogLine line = new LogLine(stream, startedNs, Arrays.copyOf(pending, length));
        length = 0;
        handler.onLine(line, wasBroken);
    }

    /** Receives lines; {@code broken}: the beginning may be missing. */
    @FunctionalInterface
    interface LineHandler {
        void onLine(LogLine line, boolean broken);
    }
}
