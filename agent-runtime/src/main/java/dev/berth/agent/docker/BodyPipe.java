package dev.berth.agent.docker;

import io.netty.buffer.ByteBuf;

import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * A request's body on its way from the loop to a thread that reads it as a stream. At most about a mebibyte waits: beyond that the connection is not read.
 *
 * <p>Thread: fed by the loop, read by one other.
 */
final class BodyPipe extends InputStream {
    private static final int HIGH_BYTES = 1 << 20;
    private static final int LOW_BYTES = 1 << 18;

    private final LinkedBlockingQueue<Piece> pieces = new LinkedBlockingQueue<>();
    private final AtomicInteger waiting = new AtomicInteger();
    private final Consumer<Boolean> want;
    private volatile boolean held;
    private volatile boolean closed;
    private byte[] bytes = new byte[0];
    private int at;
    private boolean ended;

    private sealed interface Piece {
        /** Part of the body. */
        final class Bytes implements Piece {
            private final byte[] bytes;

            private Bytes(byte[] bytes) {
                this.bytes = bytes;
            }
        }

        /** The body is complete. */
        record End() implements Piece {}

        /** The client left before that. */
        record Broken() implements Piece {}
    }

    /** {@code want} says whether the connection should be read; it is called from both threads. */
    BodyPipe(Consumer<Boolean> want) {
        this.want = want;
    }

    void feed(ByteBuf buffer) {
        if (closed || !buffer.isReadable()) {
            return;
        }
        byte[] copy = new byte[buffer.readableBytes()];
        buffer.getBytes(buffer.readerIndex(), copy);
        pieces.add(new Piece.Bytes(copy));
        if (waiting.addAndGet(copy.length) > HIGH_BYTES) {
            held = true;
            want.accept(false);
        }
    }

    void end() {
        pieces.add(new Piece.End());
    }

    void breakOff() {
        pieces.add(new Piece.Broken());
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        while (at == bytes.length) {
            if (ended) {
                return -1;
            }
            take();
        }
        int count = Math.min(length, bytes.length - at);
        System.arraycopy(bytes, at, into, offset, count);
        at += count;
        if (waiting.addAndGet(-count) < LOW_BYTES && held) {
            held = false;
            want.accept(true);
        }
        return count;
    }

    private void take() throws IOException {
        try {
            switch (pieces.take()) {
                case Piece.Bytes piece -> {
                    bytes = piece.bytes;
                    at = 0;
                }
                case Piece.End _ -> ended = true;
                case Piece.Broken _ ->
                        throw new IOException("the client went away before the end of the body");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /** The reader wants no more: what still comes is dropped. */
    @Override
    public void close() {
        closed = true;
        pieces.clear();
        if (held) {
            held = false;
            want.accept(true);
        }
    }
}
