package dev.berth.containerizer.log;

import java.nio.ByteBuffer;

/**
 * One frame: what one read of the monitor gave.
 *
 * @param realtimeNs when it was read, CLOCK_REALTIME
 * @param droppedBytes output lost since the frame before because writing the log failed
 * @param payload read-only view, valid until the handler returns
 * @param end the position after this frame
 */
public record LogFrame(
        LogStream stream, long realtimeNs, long droppedBytes, ByteBuffer payload, LogPosition end) {
    /** A copy of the payload. */
    public byte[] bytes() {
        byte[] copy = new byte[payload.remaining()];
        payload.duplicate().get(copy);
        return copy;
    }
}
