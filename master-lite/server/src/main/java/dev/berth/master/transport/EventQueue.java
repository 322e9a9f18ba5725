package dev.berth.master.transport;

import com.google.protobuf.Message;

import dev.berth.http.Encoding;
import dev.berth.http.Outflow;
import dev.berth.protocol.RecordIo;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.LastHttpContent;

import org.agrona.concurrent.ManyToOneConcurrentLinkedQueue;

import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * Messages on their way to one client: queued by the conductor, encoded and written by the connection's loop as RecordIO, as fast as the client reads. Who is too far behind is cut off; the conductor never waits.
 *
 * <p>Thread: {@link #send} and {@link #end} from any; the rest from the loop.
 */
final class EventQueue implements Outflow {
    private static final long END_WITHIN_SECONDS = 30;
    private static final int LARGE_BYTES = 1 << 18;

    /** What a message that is not made yet is taken for. */
    private static final int LATER_BYTES = 1024;

    /** A message that is made when its turn comes. */
    private record Later(Supplier<? extends Message> make) {}

    /** Messages, and {@link Later} ones. */
    private final ManyToOneConcurrentLinkedQueue<Object> queue =
            new ManyToOneConcurrentLinkedQueue<>();

    private final ChannelHandlerContext channel;
    private final Encoding encoding;
    private final Limits limits;
    private final Executor encoder;
    private final AtomicBoolean scheduled = new AtomicBoolean();
    private final AtomicLong messages = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();
    private volatile boolean broken;
    private volatile boolean ending;
    private boolean open;
    private boolean ended;
    private boolean expiring;
    private boolean encodingLarge;

    /** @param encoder writes large messages beside the loop */
    EventQueue(ChannelHandlerContext channel, Encoding encoding, Limits limits, Executor encoder) {
        this.channel = channel;
        this.encoding = encoding;
        this.limits = limits;
        this.encoder = encoder;
    }

    /** False when nothing was queued: the client is gone, or so far behind that it is now cut off. */
    boolean send(Message message) {
        if (broken || ending) {
            return false;
        }
        return queue(message, message.getSerializedSize());
    }

    /** The same for a message that is made beside the loop, when its turn comes. */
    boolean sendLater(Supplier<? extends Message> make) {
        return !broken && !ending && queue(new Later(make), LATER_BYTES);
    }

    private boolean queue(Object message, int size) {
        // One message always fits, however large: a snapshot must not be refused to somebody who
        // keeps up.
        if (messages.get() > 0
                && (messages.get() >= limits.queuedMessages()
                        || bytes.get() + size > limits.queuedBytes())) {
            broken = true;
            channel.executor().execute(this::cut);
            return false;
        }
        messages.incrementAndGet();
        bytes.addAndGet(size);
        queue.offer(message);
        wake();
        return true;
    }

    /** Nothing is written before {@link #first}. To be called before anybody else knows of the queue. */
    EventQueue startingWithFirst() {
        encodingLarge = true;
        return this;
    }

    /**
     * The first record, whatever was queued meanwhile. Any thread.
     *
     * @param taken is run once the client has taken it, or is gone
     */
    void first(byte[] record, Runnable taken) {
        channel.executor()
                .execute(() -> {
                    if (ended || broken) {
                        taken.run();
                        drain();
                        return;
                    }
                    ChannelFuture written =
                            channel.writeAndFlush(
                                    new DefaultHttpContent(Unpooled.wrappedBuffer(record)));
                    HttpExchange.inTime(
                            channel, written, limits.reads().takenWithinSeconds(), taken);
                    encodingLarge = false;
                    drain();
                });
    }

    /** The first record could not be made. Any thread. */
    void fail() {
        channel.executor().execute(this::cut);
    }

    /** No more messages: the response ends once those before are written, or the client was given half a minute for them. */
    void end() {
        if (!broken && !ending) {
            ending = true;
            wake();
        }
    }

    private void wake() {
        if (scheduled.compareAndSet(false, true)) {
            channel.executor().execute(this::drain);
        }
    }

    /** The response's head is written: messages may follow. */
    @Override
    public void begin() {
        open = true;
        drain();
    }

    /** Writes what the client has room for. */
    @Override
    public void drain() {
        scheduled.set(false);
        if (!open || ended) {
            return;
        }
        if (broken) {
            cut();
            return;
        }
        boolean wrote = false;
        while (!encodingLarge && channel.channel().isWritable()) {
            Object next = queue.poll();
            if (next == null) {
                break;
            }
            messages.decrementAndGet();
            if (next instanceof Later(var make)) {
                bytes.addAndGet(-LATER_BYTES);
                encodeLarge(make);
                break;
            }
            Message message = (Message) next;
            bytes.addAndGet(-message.getSerializedSize());
            if (message.getSerializedSize() > LARGE_BYTES) {
                encodeLarge(() -> message);
            } else {
                write(RecordIo.frame(encoding.write(message)));
                wrote = true;
            }
        }
        if (ending && !encodingLarge && queue.isEmpty()) {
            ended = true;
            var _ =
                    channel.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT)
                            .addListener(ChannelFutureListener.CLOSE);
        } else if (wrote) {
            channel.flush();
        }
        if (ending && !expiring) {
            expiring = true;
            var _ =
                    channel.executor()
                            .schedule(
                                    () -> {
                                        var _ = channel.close();
                                    },
                                    END_WITHIN_SECONDS,
                                    TimeUnit.SECONDS);
        }
    }

    private void write(byte[] record) {
        var _ = channel.write(new DefaultHttpContent(Unpooled.wrappedBuffer(record)));
    }

    /** A snapshot of a large cluster takes a second: the loop serves others meanwhile, and what comes after it waits. */
    private void encodeLarge(Supplier<? extends Message> make) {
        encodingLarge = true;
        encoder.execute(() -> {
            try {
                byte[] record = RecordIo.frame(encoding.write(make.get()));
                channel.executor().execute(() -> encoded(record));
            } catch (RuntimeException e) {
                channel.executor().execute(this::cut);
                throw e;
            }
        });
    }

    private void encoded(byte[] record) {
        encodingLarge = false;
        if (!ended) {
            write(record);
            channel.flush();
            drain();
        }
    }

    private void cut() {
        ended = true;
        empty();
        var _ = channel.close();
    }

    private void empty() {
        while (queue.poll() != null) {
            // What nobody will read is let go of.
        }
    }

    /** The connection is gone. */
    @Override
    public void left() {
        broken = true;
        ended = true;
        empty();
    }
}
