package dev.berth.protocol;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * Mesos's framing of streams: the length in decimal, a line feed, then so many bytes. One instance reads one stream.
 *
 * <p>Thread: one at a time.
 */
public final class RecordIo {
    private static final int MOST_DIGITS = 20;
    private static final int FIRST_BYTES = 1 << 10;

    private final int longestRecord;
    private long length;
    private int digits;
    private byte[] record = new byte[0];
    private int wanted;
    private int filled = -1;

    /** @param longestRecordBytes a longer one is refused before anything is kept of it */
    public RecordIo(int longestRecordBytes) {
        longestRecord = longestRecordBytes;
    }

    /** One record with its frame. */
    public static byte[] frame(byte[] record) {
        byte[] head = (record.length + "\n").getBytes(StandardCharsets.US_ASCII);
        byte[] out = new byte[head.length + record.length];
        System.arraycopy(head, 0, out, 0, head.length);
        System.arraycopy(record, 0, out, head.length, record.length);
        return out;
    }

    /** Takes the next bytes, cut anywhere, and hands over every record that they complete. Empty records are passed over. After a failure the stream cannot be read further. */
    public void read(ByteBuffer bytes, Consumer<byte[]> handler) throws ProtocolException {
        while (bytes.hasRemaining()) {
            if (filled < 0) {
                header(bytes.get());
            } else {
                int most = Math.min(bytes.remaining(), wanted - filled);
                grow(filled + most);
                bytes.get(record, filled, most);
                filled += most;
            }
            if (filled == wanted) {
                byte[] complete = record;
                filled = -1;
                record = new byte[0];
                if (complete.length > 0) {
                    handler.accept(complete);
                }
            }
        }
    }

    private void grow(int needed) {
        if (needed > record.length) {
            long next = Math.max(needed, record.length * 2L);
            record = Arrays.copyOf(record, (int) Math.min(next, wanted));
        }
    }

    /** Whether the stream may end here: between two records. */
    public boolean isComplete() {
        return filled < 0 && digits == 0;
    }

    private void header(byte b) throws ProtocolException {
        if (b == '\n' && digits > 0) {
            if (length > longestRecord) {
                throw new ProtocolException(
                        "a record of "
                                + Long.toUnsignedString(length)
                                + " bytes: the longest may have "
                                + longestRecord);
            }
            // Who only announces a long record has not got its memory yet.
            wanted = (int) length;
            record = new byte[Math.min(wanted, FIRST_BYTES)];
            filled = 0;
            length = 0;
            digits = 0;
            return;
        }
        if (b < '0' || b > '9' || ++digits > MOST_DIGITS) {
            throw new ProtocolException(
                    "not a record's length: byte 0x" + Integer.toHexString(b & 0xff));
        }
        // Beyond the longest record the exact length is of no interest, but it must not wrap
        // around.
        length = length > longestRecord ? length : length * 10 + (b - '0');
    }
}
