package dev.berth.http;

import io.netty.buffer.ByteBuf;

/** Takes a body that has no end piece by piece. The loop's thread. */
public interface BodyReader {
    /** More of it; the bytes are the connection's. */
    void read(ByteBuf bytes);

    /** The client has said its last, or nothing that can be read. */
    void end();
}
