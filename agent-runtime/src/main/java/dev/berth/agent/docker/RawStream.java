package dev.berth.agent.docker;

import dev.berth.agent.config.AgentException;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.OwnedFd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.Socket;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;

/**
 * A hijacked connection, on a duplicate of its socket that Netty no longer knows: Netty 4.2.18 cannot watch a channel again once its peer has half-closed it and nothing was wanted for a moment (it deletes the
 * descriptor from its epoll and then tries to modify it), and half-closed is what docker's clients leave every attached connection.
 *
 * <p>Thread: the loop's.
 */
final class RawStream implements HijackedStream {
    private static final int READ_BYTES = 64 * 1024;
    private static final int HIGH_BYTES = 128 * 1024;
    private static final int LOW_BYTES = 32 * 1024;
    private static final int EPOLLHUP = 0x10;
    private static final int EPOLLERR = 0x8;
    private static final long LINGER_SECONDS = 2;

    private final ApiContext context;
    private final OwnedFd socket;
    private final FdWatch watch;
    private final ArrayDeque<ByteBuf> early = new ArrayDeque<>();
    private final ArrayDeque<ByteBuf> unsent = new ArrayDeque<>();
    private @Nullable InputHandler handler;
    private Runnable resume = () -> {};
    private Runnable gone = () -> {};
    private int unsentBytes;
    private boolean full;
    private boolean wanted;
    private boolean readable = true;
    private boolean reading;
    private boolean inputEnded;
    private boolean ending;
    private boolean lingering;
    private boolean closed;

    /** Takes the socket, which is non-blocking. */
    RawStream(ApiContext context, OwnedFd socket) throws AgentException {
        this.context = context;
        this.socket = socket;
        EpollIoOps all =
                EpollIoOps.EPOLLIN
                        .with(EpollIoOps.EPOLLOUT)
                        .with(EpollIoOps.EPOLLRDHUP)
                        .with(EpollIoOps.EPOLLET);
        watch = FdWatch.onEvents(context.loop(), socket, all, this::ready);
        context.rawStreams().add(this);
    }

    private void ready(EpollIoOps ops) {
        if (closed) {
            return;
        }
        if ((ops.value() & (EPOLLHUP | EPOLLERR)) != 0) {
            // The client has closed both ways: nobody reads what we would still send.
            close(true);
            return;
        }
        if (ops.contains(EpollIoOps.EPOLLIN) || ops.contains(EpollIoOps.EPOLLRDHUP)) {
            readable = true;
        }
        if (ops.contains(EpollIoOps.EPOLLOUT)) {
            flush();
        }
        read();
    }

    /** Bytes that were read before the connection was hijacked. */
    void input(ByteBuf bytes) {
        InputHandler receiver = handler;
        if (receiver == null) {
            early.add(bytes);
        } else {
            receiver.onBytes(bytes);
        }
    }

    @Override
    public void onInput(InputHandler receiver) {
        handler = receiver;
        while (!early.isEmpty()) {
            receiver.onBytes(early.remove());
        }
        wanted = true;
        read();
    }

    @Override
    public void wantInput(boolean want) {
        wanted = want;
        if (want && !reading) {
            read();
        }
    }

    private void read() {
        if (handler == null || reading) {
            return;
        }
        reading = true;
        try {
            while (wanted && readable && !inputEnded && !closed) {
                InputHandler receiver = handler;
                if (receiver == null) {
                    return;
                }
                ByteBuf bytes = allocator().directBuffer(READ_BYTES);
                int length;
                try {
                    length =
                            context.linux()
                                    .files()
                                    .read(
                                            socket,
                                            MemorySegment.ofBuffer(bytes.nioBuffer(0, READ_BYTES)));
                } catch (ErrnoException _) {
                    bytes.release();
                    close(true);
                    return;
                }
                if (length > 0) {
                    receiver.onBytes(bytes.writerIndex(length));
                    continue;
                }
                bytes.release();
                if (length < 0) {
                    readable = false;
                } else {
                    inputEnded = true;
                    receiver.onEnd();
                    if (lingering) {
                        close(false);
                        return;
                    }
                }
            }
        } finally {
            reading = false;
        }
    }

    @Override
    public ByteBufAllocator allocator() {
        return PooledByteBufAllocator.DEFAULT;
    }

    @Override
    public void write(ByteBuf bytes) {
        if (closed || ending || !bytes.isReadable()) {
            bytes.release();
            return;
        }
        unsent.add(bytes);
        unsentBytes += bytes.readableBytes();
        if (unsentBytes > HIGH_BYTES) {
            full = true;
        }
    }

    @Override
    public void flush() {
        try {
            while (!closed && !unsent.isEmpty()) {
                ByteBuf first = unsent.element();
                int written = context.linux().files().write(socket, NativeBytes.of(first));
                if (written < 0) {
                    return;
                }
                unsentBytes -= written;
                first.skipBytes(written);
                if (!first.isReadable()) {
                    unsent.remove().release();
                }
            }
        } catch (ErrnoException _) {
            // EPIPE, ECONNRESET: the client has gone.
            close(true);
            return;
        }
        if (ending && unsent.isEmpty()) {
            linger();
        } else if (full && unsentBytes < LOW_BYTES) {
            full = false;
            // Not at once: the producer may be in the middle of handing something on.
            context.loop().execute(() -> resume.run());
        }
    }

    @Override
    public boolean isWritable() {
        return !closed && !ending && !full;
    }

    @Override
    public boolean isOpen() {
        return !closed && !ending;
    }

    @Override
    public void onChange(Runnable resumeStep, Runnable goneStep) {
        resume = resumeStep;
        gone = goneStep;
    }

    @Override
    public void end() {
        if (!ending && !closed) {
            ending = true;
            flush();
        }
    }

    /**
     * Everything is sent: says so, and reads away what the client still sends until it has closed too, for at most two seconds. Closing a unix socket with unread input would reset the connection, and the
     * client might lose the end of the output.
     */
    private void linger() {
        if (lingering || closed) {
            return;
        }
        lingering = true;
        try {
            new Socket(socket.number()).shutdown(false, true);
        } catch (IOException _) {
            close(false);
            return;
        }
        handler = new AttachRoutes.DroppedInput();
        early.forEach(ByteBuf::release);
        early.clear();
        wanted = true;
        readable = true;
        context.after(LINGER_SECONDS, TimeUnit.SECONDS, () -> close(false));
        read();
        if (inputEnded) {
            close(false);
        }
    }

    /** Closes at once. */
    void abort() {
        close(true);
    }

    private void close(boolean tell) {
        if (closed) {
            return;
        }
        closed = true;
        context.rawStreams().remove(this);
        watch.cancel();
        socket.close();
        unsent.forEach(ByteBuf::release);
        unsent.clear();
        early.forEach(ByteBuf::release);
        early.clear();
        InputHandler receiver = handler;
        if (receiver != null && !inputEnded) {
            inputEnded = true;
            receiver.onEnd();
        }
        if (tell && !ending) {
            gone.run();
        }
    }
}
