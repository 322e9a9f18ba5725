package dev.berth.containerizer.image.registry;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A response body as a stream whose reads fail when the server gives no byte for too long: the JDK's own waits for ever.
 *
 * <p>Thread: one reader; the HTTP client's threads feed it.
 */
final class TimedBody extends InputStream implements HttpResponse.BodySubscriber<InputStream> {
    private sealed interface Event permits Data, End {}

    private record Data(List<ByteBuffer> buffers) implements Event {}

    private record End(@Nullable Throwable failure) implements Event {}

    private final Duration stallTimeout;
    private final LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final AtomicReference<Flow.@Nullable Subscription> subscription =
            new AtomicReference<>();
    private List<ByteBuffer> current = List.of();
    private int index;
    private boolean ended;
    private volatile boolean closed;

    TimedBody(Duration stallTimeout) {
        this.stallTimeout = stallTimeout;
    }

    @Override
    public CompletionStage<InputStream> getBody() {
        return CompletableFuture.completedFuture(this);
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
        if (!subscription.compareAndSet(null, given) || closed) {
            given.cancel();
            return;
        }
        given.request(1);
    }

    @Override
    public void onNext(List<ByteBuffer> item) {
        events.add(new Data(item));
    }

    @Override
    public void onError(Throwable throwable) {
        events.add(new End(throwable));
    }

    @Override
    public void onComplete() {
        events.add(new End(null));
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        while (true) {
            while (index < current.size()) {
                ByteBuffer buffer = current.get(index);
                if (buffer.hasRemaining()) {
                    int count = Math.min(length, buffer.remaining());
                    buffer.get(target, offset, count);
                    return count;
                }
                index++;
            }
            if (ended || !take()) {
                ended = true;
                return -1;
            }
        }
    }

    private boolean take() throws IOException {
        if (closed) {
            throw new IOException("response body is closed");
        }
        Event event;
        try {
            event = events.poll(stallTimeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            close();
            throw new java.io.InterruptedIOException("interrupted");
        }
        return switch (event) {
            case null -> {
                close();
                throw new HttpTimeoutException("no byte for " + stallTimeout.toSeconds() + " s");
            }
            case Data data -> {
                current = data.buffers();
                index = 0;
                Flow.Subscription source = subscription.get();
                if (source != null) {
                    source.request(1);
                }
                yield true;
            }
            case End end -> {
                Throwable failure = end.failure();
                if (failure != null) {
                    throw failure instanceof IOException io ? io : new IOException(failure);
                }
                yield false;
            }
        };
    }

    @Override
    public void close() {
        closed = true;
        Flow.Subscription source = subscription.get();
        if (source != null) {
            source.cancel();
        }
    }
}
