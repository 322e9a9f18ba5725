package dev.berth.agent.docker;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;

/** A hijacked connection. Thread: the loop's. */
final class RawStream implements HijackedStream {
    private final ChannelHandlerContext channel;
    private final ArrayDeque<ByteBuf> early = new ArrayDeque<>();
    private @Nullable InputHandler handler;
    private Runnable resume = () -> {};
    private Runnable gone = () -> {};
    private boolean inputEnded;
    private boolean ended;

    RawStream(ChannelHandlerContext channel) {
        this.channel = channel;
    }

    void input(ByteBuf bytes) {
        InputHandler receiver = handler;
        if (receiver == null) {
            early.add(bytes);
        } else {
            receiver.onBytes(bytes);
        }
    }

    void inputEnded() {
        InputHandler receiver = handler;
        if (!inputEnded) {
            inputEnded = true;
            if (receiver != null) {
                receiver.onEnd();
            }
        }
    }

    @Override
    public void onInput(InputHandler receiver) {
        handler = receiver;
        while (!early.isEmpty()) {
            receiver.onBytes(early.remove());
        }
        if (inputEnded) {
            receiver.onEnd();
        } else {
            channel.channel().config().setAutoRead(true);
        }
    }

    @Override
    public void wantInput(boolean wanted) {
        channel.channel().config().setAutoRead(wanted);
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
            channel.write(bytes, channel.voidPromise());
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
        boolean first = !ended;
        ended = true;
        while (!early.isEmpty()) {
            early.remove().release();
        }
        inputEnded();
        if (first) {
            gone.run();
        }
    }

    @Override
    public void end() {
        if (!ended) {
            ended = true;
            channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(_ -> channel.close());
        }
    }
}
