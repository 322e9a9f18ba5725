package dev.berth.agent.docker;

import io.netty.buffer.ByteBuf;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/** Netty's buffers as memory that a system call can read. */
final class NativeBytes {
    private NativeBytes() {}

    /** The readable bytes; without a copy where they lie in one piece outside the heap. Valid as long as the buffer is not released. */
    static MemorySegment of(ByteBuf bytes) {
        if (bytes.isDirect() && bytes.nioBufferCount() == 1) {
            return MemorySegment.ofBuffer(bytes.nioBuffer());
        }
        ByteBuffer copy = ByteBuffer.allocateDirect(bytes.readableBytes());
        bytes.getBytes(bytes.readerIndex(), copy.duplicate());
        return MemorySegment.ofBuffer(copy);
    }
}
