package dev.berth.agent.docker;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.LastHttpContent;

/** A response that is sent in chunks. Thread: the loop's. */
final class ChunkedStream implements ByteSink {
    private final ChannelHandlerContext channel;
    private final Runnable finished;
    private Runnable resume = () -> {};
    private Runnable gone = () -> {};
    private boolean ended;

    ChunkedStream(ChannelHandlerContext channel, Runnable finished) {
        this.channel = channel;
        this.finished = finished;
    }

    @Override
    public ByteBufAllocator allocator() {
        return channel.alloc();
    }

    @Override
    public void write(ByteBuf bytes) {
        if (ended) {
            bytes.release();
        } else {
            var _ = channel.write(new DefaultHttpContent(bytes), channel.voidPromise());
        }
    }

    @Override
    public void flush() {
        channel.flush();
    }

    @Override
    public boolean isWritable() {
        return !ended && channel.channel().isWritable();
    }

    @Override
    public boolean isOpen() {
        return !ended && channel.channel().isActive();
    }

    @Override
    public void onChange(Runnable resumeStep, Runnable goneStep) {
        resume = resumeStep;
        gone = goneStep;
    }

    void writabilityChanged() {
        if (channel.channel().isWritable()) {
            resume.run();
        }
    }

    void left() {
        if (!ended) {
            ended = true;
            gone.run();
        }
    }

    @Override
    public void end() {
        if (!ended) {
            ended = true;
            var _ = channel.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT);
            finished.run();
        }
    }
}
