package dev.berth.agent.docker;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.OwnedFd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;

/**
 * What a client sends, on its way into a pipe or a terminal. While the process does not read, the client is not read either: at most one network read waits.
 *
 * <p>Thread: the loop's.
 */
final class InputPump implements HijackedStream.InputHandler {
    private final ApiContext context;
    private final HijackedStream client;
    private final @Nullable DetachKeys keys;
    private final Runnable finished;
    private final ArrayDeque<ByteBuf> pending = new ArrayDeque<>();
    private @Nullable OwnedFd fd;
    private @Nullable FdWatch watch;
    private boolean inputEnded;
    private boolean done;

    /** {@code keys}: those that detach, on terminals; {@code finished} runs when the client's input has ended and all of it is written. */
    InputPump(
            ApiContext context,
            HijackedStream client,
            @Nullable DetachKeys keys,
            Runnable finished) {
        this.context = context;
        this.client = client;
        this.keys = keys;
        this.finished = finished;
    }

    /** The process's input is there: takes it, non-blocking, and begins to read from the client. */
    void open(OwnedFd input) {
        if (done) {
            input.close();
            return;
        }
        fd = input;
        try {
            context.linux().files().setNonBlocking(input, true);
            watch = FdWatch.on(context.loop(), input, FdWatch.WRITE_EDGE, this::write);
        } catch (AgentException | ErrnoException e) {
            AgentLog.error("open input", e);
            close();
            return;
        }
        client.onInput(this);
    }

    @Override
    public void onBytes(ByteBuf bytes) {
        if (done) {
            bytes.release();
            return;
        }
        DetachKeys detach = keys;
        if (detach == null) {
            pending.add(bytes);
        } else {
            byte[] copy = new byte[bytes.readableBytes()];
            bytes.readBytes(copy);
            bytes.release();
            DetachKeys.Scan scan = detach.scan(copy);
            pending.add(
                    Unpooled.directBuffer(Math.max(1, scan.bytes().length))
                            .writeBytes(scan.bytes()));
            if (scan.detached()) {
                write();
                close();
                client.end();
                return;
            }
        }
        write();
    }

    @Override
    public void onEnd() {
        inputEnded = true;
        write();
    }

    private void write() {
        OwnedFd open = fd;
        if (done || open == null) {
            return;
        }
        try {
            while (!pending.isEmpty()) {
                ByteBuf first = pending.element();
                if (!first.isReadable()) {
                    pending.remove().release();
                    continue;
                }
                int written = context.linux().files().write(open, NativeBytes.of(first));
                if (written < 0) {
                    client.wantInput(false);
                    return;
                }
                first.skipBytes(written);
            }
        } catch (ErrnoException _) {
            // The process has closed its input, or has ended: what still comes goes nowhere.
            drop();
        }
        if (inputEnded) {
            close();
            finished.run();
        } else {
            client.wantInput(true);
        }
    }

    private void drop() {
        while (!pending.isEmpty()) {
            pending.remove().release();
        }
    }

    /** Writes no more and closes the input. */
    void close() {
        done = true;
        drop();
        FdWatch watching = watch;
        watch = null;
        if (watching != null) {
            watching.cancel();
        }
        OwnedFd open = fd;
        fd = null;
        if (open != null) {
            open.close();
        }
    }
}
