package dev.berth.agent.docker;

import dev.berth.agent.conductor.Counter;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.containerizer.log.ContainerLog;
import dev.berth.containerizer.log.LogFrame;
import dev.berth.containerizer.log.LogPosition;
import dev.berth.containerizer.log.LogStream;

import io.netty.buffer.ByteBuf;

import java.io.IOException;

/**
 * Sends a container's output from a log position on, as it is written, for as long as the client takes it: attach. A slow client only makes this reader wait, never the container.
 *
 * <p>Thread: the loop's.
 */
final class LogFollower {
    private static final int STEP_BYTES = 64 * 1024;
    private static final int STEPS_PER_TURN = 8;

    private final ApiContext context;
    private final ByteSink sink;
    private final ContainerLog log;
    private final boolean stdout;
    private final boolean stderr;
    private final boolean framed;
    private LogPosition position;
    private Runnable unfollow = () -> {};
    private boolean ended;
    private boolean done;
    private boolean scheduled;

    /** {@code framed}: each piece behind Docker's eight-byte header, as without a terminal. */
    LogFollower(
            ApiContext context,
            ByteSink sink,
            ContainerLog log,
            LogPosition from,
            Streams streams) {
        this.context = context;
        this.sink = sink;
        this.log = log;
        this.position = from;
        this.stdout = streams.stdout();
        this.stderr = streams.stderr();
        this.framed = streams.framed();
    }

    /** Which streams are wanted, and how. */
    record Streams(boolean stdout, boolean stderr, boolean framed) {}

    void begin() throws AgentException {
        unfollow = context.waker().follow(log.directory(), this::pump);
        sink.onChange(this::pump, this::finish);
        pump();
    }

    /** The sink is writable again. */
    void resume() {
        pump();
    }

    /** The client has left. */
    void stop() {
        finish();
    }

    /** The run has ended: what is in the log now is all, and its files may go as soon as this returns. */
    void end() {
        if (done) {
            return;
        }
        try {
            log.hold();
        } catch (IOException e) {
            fail(e);
            return;
        }
        endNow();
    }

    /** Sends what the log has now, and then no more: for a client that does not want to follow. */
    void endNow() {
        ended = true;
        pump();
    }

    private void fail(IOException e) {
        AgentLog.error("follow log " + log.directory(), e);
        finish();
    }

    private void pump() {
        if (done) {
            return;
        }
        try {
            for (int step = 0; step < STEPS_PER_TURN && sink.isWritable(); step++) {
                LogPosition next = log.read(position, STEP_BYTES, this::send);
                if (next.equals(position)) {
                    sink.flush();
                    if (ended) {
                        finish();
                    }
                    return;
                }
                position = next;
            }
            sink.flush();
        } catch (IOException e) {
            fail(e);
            return;
        }
        if (sink.isWritable() && !scheduled) {
            // Others on this loop get their turn between two bursts.
            scheduled = true;
            context.loop()
                    .execute(() -> {
                        scheduled = false;
                        pump();
                    });
        }
    }

    private void send(LogFrame frame) {
        boolean wanted =
                switch (frame.stream()) {
                    case STDOUT -> stdout;
                    case STDERR -> stderr;
                    case END_OF_RUN -> false;
                };
        int length = frame.payload().remaining();
        if (!wanted || length == 0) {
            return;
        }
        ByteBuf out = sink.allocator().ioBuffer(length + 8);
        if (framed) {
            header(out, frame.stream() == LogStream.STDOUT ? 1 : 2, length);
        }
        out.writeBytes(frame.payload().duplicate());
        context.counters().add(Counter.STREAM_BYTES, length);
        sink.write(out);
    }

    /** Docker's stream header: the stream, three zeroes, the length in network order. */
    static void header(ByteBuf out, int stream, int length) {
        out.writeByte(stream).writeZero(3).writeInt(length);
    }

    private void finish() {
        if (done) {
            return;
        }
        done = true;
        unfollow.run();
        try {
            log.close();
        } catch (IOException e) {
            AgentLog.error("close log " + log.directory(), e);
        }
        sink.end();
    }
}
