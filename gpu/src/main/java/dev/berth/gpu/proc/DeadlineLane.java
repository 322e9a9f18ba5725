package dev.berth.gpu.proc;

import dev.berth.gpu.DeviceEvent;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Does one thing after another that may block in a driver, each with a deadline: what does not end by then is answered as failed and left behind, and the next goes on without it. When {@value #MOST_STUCK} hang,
 * further ones fail at once until one of them ends.
 *
 * <p>Thread: any. Two threads of its own while there is work: one that waits, one that does.
 */
public final class DeadlineLane implements AutoCloseable {
    static final int MOST_STUCK = 2;
    private static final long CLOSE_MS = 2000;

    private final String name;
    private final EventQueue events;
    private final LinkedBlockingQueue<Job> jobs = new LinkedBlockingQueue<>();
    private final List<Thread> stuck = new ArrayList<>();
    private volatile boolean closed;
    private @Nullable Thread thread;

    /** {@code work} answers; {@code failed} makes the answer of a reason. */
    private record Job(
            String name,
            long limitNs,
            Supplier<DeviceEvent> work,
            Function<String, DeviceEvent> failed) {}

    /** Answers go to {@code events}. */
    public DeadlineLane(String name, EventQueue events) {
        this.name = name;
        this.events = events;
    }

    /** Does {@code work} after what was submitted before; its answer, or {@code failed}'s, comes as an event. Nothing comes after {@link #close}. */
    public synchronized void submit(
            String what,
            long limitNs,
            Supplier<DeviceEvent> work,
            Function<String, DeviceEvent> failed) {
        if (closed) {
            return;
        }
        jobs.add(new Job(what, limitNs, work, failed));
        if (thread == null) {
            thread = Thread.ofPlatform().daemon().name(name).start(this::supervise);
        }
    }

    /** Whether whoever works should give up: a long search asks this. */
    public boolean closed() {
        return closed;
    }

    private void supervise() {
        try {
            while (!closed) {
                Job job = jobs.take();
                stuck.removeIf(other -> !other.isAlive());
                if (stuck.size() >= MOST_STUCK) {
                    events.add(
                            job.failed()
                                    .apply(
                                            stuck.size()
                                                    + " earlier operations hang in the driver"));
                } else {
                    supervise(job);
                }
            }
        } catch (InterruptedException _) {
            // closed
        }
    }

    private void supervise(Job job) throws InterruptedException {
        AtomicBoolean settled = new AtomicBoolean();
        Thread worker =
                Thread.ofPlatform()
                        .daemon()
                        .name(name + "-" + job.name())
                        .start(() -> work(job, settled));
        try {
            worker.join(TimeUnit.NANOSECONDS.toMillis(job.limitNs()) + 1);
        } finally {
            if (worker.isAlive()) {
                stuck.add(worker);
            }
        }
        if (worker.isAlive() && settled.compareAndSet(false, true)) {
            events.add(
                    job.failed()
                            .apply(
                                    job.name()
                                            + " did not end within "
                                            + TimeUnit.NANOSECONDS.toMillis(job.limitNs())
                                            + " ms"));
        }
    }

    private void work(Job job, AtomicBoolean settled) {
        DeviceEvent answer;
        try {
            answer = job.work().get();
        } catch (RuntimeException e) {
            answer = job.failed().apply(job.name() + ": " + e);
        }
        if (settled.compareAndSet(false, true) && !closed) {
            events.add(answer);
        }
    }

    /** Ends the threads, except one that the driver does not let go: it is left behind. Idempotent. */
    @Override
    public void close() {
        Thread supervisor;
        synchronized (this) {
            closed = true;
            jobs.clear();
            supervisor = thread;
        }
        if (supervisor == null) {
            return;
        }
        supervisor.interrupt();
        try {
            supervisor.join();
            for (Thread one : stuck) {
                one.join(CLOSE_MS);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
