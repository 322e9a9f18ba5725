package dev.berth.agent.docker;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/**
 * Where a stream of bytes to a client goes: a hijacked connection or a chunked response. A producer stops when {@link #isWritable} is false and goes on when it is told, so a stalled client holds at most
 * the channel's write buffer.
 *
 * <p>Thread: the loop's.
 */
interface ByteSink {
    ByteBufAllocator allocator();

    /** Takes the buffer; after the end it is dropped. */
    void write(ByteBuf bytes);

    void flush();

    boolean isWritable();

    boolean isOpen();

    /** {@code resume} runs when the sink becomes writable again, {@code gone} once when the client has left or the stream was ended. */
    void onChange(Runnable resume, Runnable gone);

    /** Ends the stream: a hijacked connection is closed, a response completed. */
    void end();
}
