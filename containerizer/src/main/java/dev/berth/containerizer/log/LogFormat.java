package dev.berth.containerizer.log;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.OptionalLong;
import java.util.zip.CRC32C;

/** The bytes of PROTOCOL.md section 5. */
final class LogFormat {
    static final int FILE_HEADER_BYTES = 32;
    static final int FRAME_HEADER_BYTES = 24;
    static final int MAX_PAYLOAD_BYTES = 16384;
    static final int MAX_FRAME_BYTES = FRAME_HEADER_BYTES + MAX_PAYLOAD_BYTES;

    private static final byte[] MAGIC = "BERTHLOG".getBytes(StandardCharsets.US_ASCII);
    private static final int CRC_AT = 4;
    private static final int REALTIME_AT = 8;
    private static final int STREAM_AT = 16;
    private static final int DROPPED_AT = 20;

    private LogFormat() {}

    /** What stands at {@code at}. */
    enum Check {
        WHOLE,
        /** Fewer bytes than the frame says: it may still be being written. */
        SHORT,
        CORRUPT
    }

    /** The sequence of a file's header; empty when it is no log of a version we know. */
    static OptionalLong sequence(ByteBuffer header) {
        header.order(ByteOrder.LITTLE_ENDIAN);
        if (header.remaining() < FILE_HEADER_BYTES) {
            return OptionalLong.empty();
        }
        byte[] magic = new byte[MAGIC.length];
        header.get(header.position(), magic);
        if (!Arrays.equals(magic, MAGIC) || header.getInt(header.position() + 8) != 1) {
            return OptionalLong.empty();
        }
        return OptionalLong.of(header.getLong(header.position() + 16));
    }

    /** Whether a whole frame with the right checksum begins at {@code at}. */
    static Check check(ByteBuffer buffer, int at, CRC32C crc) {
        int available = buffer.limit() - at;
        if (available < FRAME_HEADER_BYTES) {
            return Check.SHORT;
        }
        int length = length(buffer, at);
        int stream = buffer.get(at + STREAM_AT);
        if (length < 0
                || length > MAX_PAYLOAD_BYTES
                || stream < 1
                || stream > 3
                || buffer.get(at + STREAM_AT + 1) != 0
                || buffer.getShort(at + STREAM_AT + 2) != 0) {
            return Check.CORRUPT;
        }
        if (available < FRAME_HEADER_BYTES + length) {
            return Check.SHORT;
        }
        crc.reset();
        crc.update(buffer.slice(at + REALTIME_AT, FRAME_HEADER_BYTES - REALTIME_AT + length));
        return (int) crc.getValue() == buffer.getInt(at + CRC_AT) ? Check.WHOLE : Check.CORRUPT;
    }

    static int length(ByteBuffer buffer, int at) {
        return buffer.getInt(at);
    }

    static LogFrame frame(ByteBuffer buffer, int at, LogPosition end) {
        return new LogFrame(
                LogStream.of(buffer.get(at + STREAM_AT)),
                buffer.getLong(at + REALTIME_AT),
                Integer.toUnsignedLong(buffer.getInt(at + DROPPED_AT)),
                buffer.slice(at + FRAME_HEADER_BYTES, length(buffer, at)).asReadOnlyBuffer(),
                end);
    }
}
