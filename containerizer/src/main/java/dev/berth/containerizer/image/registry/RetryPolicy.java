package dev.berth.containerizer.image.registry;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * Retry with exponential back-off and jitter. The jitter keeps a hundred nodes that lost the same registry from coming back in the same instant.
 *
 * @param attempts how often in all, at least 1
 * @param first wait before the second attempt; doubles each time
 * @param longest bound of one wait, also of what a server's {@code Retry-After} may ask
 */
public record RetryPolicy(int attempts, Duration first, Duration longest) {
    /** Docker's five attempts. */
    public static RetryPolicy defaults() {
        return new RetryPolicy(5, Duration.ofSeconds(1), Duration.ofMinutes(2));
    }

    /** The wait after the {@code failures}-th failure in a row (from 1), or what the server asked for if that is longer. */
    public Duration delay(int failures, Optional<Duration> retryAfter) {
        long doubled = first.toMillis() << Math.min(failures - 1, 20);
        long capped = Math.min(doubled, longest.toMillis());
        long jittered = capped / 2 + ThreadLocalRandom.current().nextLong(capped / 2 + 1);
        long asked = retryAfter.map(d -> Math.min(d.toMillis(), longest.toMillis())).orElse(0L);
        return Duration.ofMillis(Math.max(jittered, asked));
    }

    /** Waits; an interrupt ends it, which is how a pull is cancelled. */
    public static void pause(Duration delay) throws InterruptedException {
        boolean _ = new CountDownLatch(1).await(delay.toMillis(), TimeUnit.MILLISECONDS);
    }
}
