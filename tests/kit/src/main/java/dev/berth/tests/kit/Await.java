package dev.berth.tests.kit;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/** Waits for what cannot say that it has come. Any thread. */
public final class Await {
    private static final long LOOK_NS = 5_000_000;

    private Await() {}

    /** A question, which may fail. */
    @FunctionalInterface
    public interface Question {
        boolean ask() throws Exception;
    }

    /** Asks again and again, until it is so; after {@code seconds} a TimeoutException says {@code what}. */
    public static void until(String what, double seconds, Question question) throws Exception {
        until(() -> what, seconds, question);
    }

    /** As the other; what is said is put together at the end only. */
    public static void until(Supplier<String> what, double seconds, Question question)
            throws Exception {
        long deadline = System.nanoTime() + (long) (seconds * TimeUnit.SECONDS.toNanos(1));
        while (!question.ask()) {
            if (System.nanoTime() - deadline > 0) {
                throw new TimeoutException("not within " + seconds + " s: " + what.get());
            }
            LockSupport.parkNanos(LOOK_NS);
        }
    }
}
