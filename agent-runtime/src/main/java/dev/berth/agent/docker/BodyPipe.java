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
    private static final byte[] END = new byte[0];
    private static final byte[] BROKEN = new byte[0];

    private final LinkedBlockingQueue<byte[]> pieces = new LinkedBlockingQueue<>();
    private final AtomicInteger waiting = new AtomicInteger();
    private final Consumer<Boolean> want;
    private volatile boolean held;
    private byte[] piece = new byte[0];
    private int at;
    private volatile boolean closed;

    /** {@code want} says whether the connection should be read; it is called from both threads. */
    BodyPipe(Consumer<Boolean> want) {
        this.want = want;
    }

    void feed(ByteBuf bytes) {
        if (closed || !bytes.isReadable()) {
            return;
        }
        byte[] copy = new byte[bytes.readableBytes()];
        bytes.getBytes(bytes.readerIndex(), copy);
        pieces.add(copy);
        if (waiting.addAndGet(copy.length) > HIGH_BYTES) {
            held = true;
            want.accept(false);
        }
    }

    void end() {
        pieces.add(END);
    }

    void breakOff() {
        pieces.add(BROKEN);
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
        while (at == piece.length) {
            if (piece == BROKEN) {
                throw new IOException("the client went away before the end of the body");
            }
            if (piece == END) {
                return -1;
            }
            try {
                piece = pieces.take();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted", e);
            }
            at = 0;
            if (piece == END || piece == BROKEN) {
                continue;
            }
        }
        int count = Math.min(length, piece.length - at);
        System.arraycopy(piece, at, into, offset, count);
        at += count;
        if (waiting.addAndGet(-count) < LOW_BYTES && held) {
            held = false;
            want.accept(true);
        }
        return count;
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
