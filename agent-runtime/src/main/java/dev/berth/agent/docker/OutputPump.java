package dev.berth.agent.docker;

import dev.berth.agent.conductor.Counter;
import dev.berth.agent.config.AgentException;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.OwnedFd;

import io.netty.buffer.ByteBuf;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;

/**
 * What a process writes into a pipe or a terminal, on its way to a client. While the client does not take it, the pipe is not read: only that process waits.
 *
 * <p>Thread: the loop's.
 */
final class OutputPump {
    private static final int READ_BYTES = 32 * 1024;
    private static final int READS_PER_TURN = 8;

    private final ApiContext context;
    private final ByteSink sink;
    private final OwnedFd fd;
    private final int stream;
    private final Runnable finished;
    private @Nullable FdWatch watch;
    private boolean readable = true;
    private boolean done;

    /** {@code stream} 1 or 2 puts Docker's header before each piece; 0 sends raw bytes. */
    OutputPump(ApiContext context, ByteSink sink, OwnedFd fd, int stream, Runnable finished) {
        this.context = context;
        this.sink = sink;
        this.fd = fd;
        this.stream = stream;
        this.finished = finished;
    }

    void begin() throws AgentException {
        try {
            context.linux().files().setNonBlocking(fd, true);
        } catch (ErrnoException e) {
            throw AgentException.failed("read output", e);
        }
        watch =
                FdWatch.on(
                        context.loop(),
                        fd,
                        FdWatch.READ_EDGE,
                        () -> {
                            readable = true;
                            pump();
                        });
        pump();
    }

    /** Reads on: the client takes more. */
    void pump() {
        int left = READS_PER_TURN;
        while (!done && readable && sink.isWritable()) {
            if (left-- == 0) {
                context.loop().execute(this::pump);
                break;
            }
            readOnce();
        }
        sink.flush();
    }

    private void readOnce() {
        int header = stream == 0 ? 0 : 8;
        ByteBuf out = sink.allocator().directBuffer(header + READ_BYTES);
        int length;
        try {
            MemorySegment target = MemorySegment.ofBuffer(out.nioBuffer(header, READ_BYTES));
            length = context.linux().files().read(fd, target);
        } catch (ErrnoException _) {
            // EIO: the last slave of a terminal is closed.
            length = 0;
        }
        if (length <= 0) {
            out.release();
            if (length < 0) {
                readable = false;
            } else {
                close();
                finished.run();
            }
            return;
        }
        if (stream != 0) {
            LogFollower.header(out, stream, length);
        }
        out.writerIndex(header + length);
        context.counters().add(Counter.STREAM_BYTES, length);
        sink.write(out);
    }

    boolean isDone() {
        return done;
    }

    void close() {
        if (done) {
            return;
        }
        done = true;
        FdWatch watching = watch;
        watch = null;
        if (watching != null) {
            watching.cancel();
        }
        fd.close();
    }
}
