package dev.berth.jobs;

import com.google.protobuf.InvalidProtocolBufferException;

import dev.berth.protocol.ProtocolException;
import dev.berth.protocol.RecordIo;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.scheduler.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A framework's subscription at whichever master leads: subscribes, reads events, and subscribes again under the same id when the stream ends, ever later. All that happens goes into one queue.
 *
 * <p>Thread: its own reads; calls are made by the caller's.
 */
final class Subscription implements AutoCloseable {
    private static final int LONGEST_EVENT = 64 << 20;
    private static final long FIRST_WAIT_NS = 100_000_000L;
    private static final long LAST_WAIT_NS = 2_000_000_000L;
    private static final int BUFFER = 1 << 16;

    /** What happens. */
    sealed interface Signal {
        /** An event of the master; SUBSCRIBED among them. */
        record Came(Event event) implements Signal {}

        /** The stream is no more, or could not be had; the next is being tried, unless {@code last}. */
        record Broken(String why, boolean last) implements Signal {}

        /** Somebody wants the job to end. */
        record Cancel() implements Signal {}
    }

    private final MasterClient client;
    private final FrameworkInfo info;
    private final BlockingQueue<Signal> queue;
    private final AtomicReference<Optional<String>> streamId =
            new AtomicReference<>(Optional.empty());
    private final AtomicReference<Optional<FrameworkID>> id =
            new AtomicReference<>(Optional.empty());
    private final AtomicReference<Optional<InputStream>> open =
            new AtomicReference<>(Optional.empty());
    private volatile boolean closed;

    Subscription(MasterClient client, FrameworkInfo info, BlockingQueue<Signal> queue) {
        this.client = client;
        this.info = info;
        this.queue = queue;
    }

    void start() {
        Thread.ofPlatform().daemon().name("berth-scheduler").start(this::run);
    }

    /** The framework's id, once a master has given one. */
    Optional<FrameworkID> id() {
        return id.get();
    }

    private void run() {
        long wait = FIRST_WAIT_NS;
        try {
            while (!closed) {
                boolean was = id.get().isPresent();
                String why;
                boolean last = false;
                try {
                    why = once();
                    wait = FIRST_WAIT_NS;
                } catch (JobException e) {
                    why = String.valueOf(e.getMessage());
                    // Who was never let in has typed the wrong thing; who was waits for the next
                    // master.
                    last = !was;
                }
                streamId.set(Optional.empty());
                queue.add(new Signal.Broken(why, last));
                if (last) {
                    return;
                }
                LockSupport.parkNanos(wait);
                wait = Math.min(LAST_WAIT_NS, wait * 2);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /** One stream, to its end: why it ended. */
    private String once() throws JobException, InterruptedException {
        FrameworkInfo.Builder framework = info.toBuilder();
        Call.Builder call = Call.newBuilder().setType(Call.Type.SUBSCRIBE);
        id.get()
                .ifPresent(known -> {
                    framework.setId(known);
                    call.setFrameworkId(known);
                });
        call.getSubscribeBuilder().setFrameworkInfo(framework);
        HttpResponse<InputStream> answer = client.subscribe(call.build().toByteArray());
        streamId.set(answer.headers().firstValue("Mesos-Stream-Id"));
        RecordIo records = new RecordIo(LONGEST_EVENT);
        byte[] buffer = new byte[BUFFER];
        try (InputStream in = answer.body()) {
            open.set(Optional.of(in));
            while (!closed) {
                int got = in.read(buffer);
                if (got < 0) {
                    return "the master ended the stream";
                }
                List<byte[]> whole = new ArrayList<>();
                records.read(ByteBuffer.wrap(buffer, 0, got), whole::add);
                for (byte[] record : whole) {
                    Event event = Event.parseFrom(record);
                    if (event.getType() == Event.Type.SUBSCRIBED) {
                        id.set(Optional.of(event.getSubscribed().getFrameworkId()));
                    }
                    queue.add(new Signal.Came(event));
                }
            }
            return "closed";
        } catch (InvalidProtocolBufferException | ProtocolException e) {
            return "the master's stream cannot be read: " + e.getMessage();
        } catch (IOException e) {
            return "the stream from the master broke";
        } finally {
            open.set(Optional.empty());
        }
    }

    /**
     * Makes a call. One that fails ends the stream: after the next subscription all is asked anew.
     *
     * @return whether a master has taken it
     */
    boolean call(Call call) throws InterruptedException {
        Optional<String> stream = streamId.get();
        Optional<FrameworkID> framework = id.get();
        if (stream.isEmpty() || framework.isEmpty()) {
            // Between two streams nothing can be said; what is lost is found by reconciliation.
            return false;
        }
        try {
            client.call(
                    call.toBuilder().setFrameworkId(framework.get()).build().toByteArray(),
                    stream.get(),
                    call.getType().name());
            return true;
        } catch (JobException e) {
            if (!closed) {
                breakOff();
            }
            return false;
        }
    }

    /** Ends the stream, not the subscription. */
    void breakOff() {
        open.get()
                .ifPresent(in -> {
                    try {
                        in.close();
                    } catch (IOException _) {
                        // It is gone either way.
                    }
                });
    }

    @Override
    public void close() {
        closed = true;
        breakOff();
    }
}
