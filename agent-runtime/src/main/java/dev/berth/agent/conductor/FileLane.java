package dev.berth.agent.conductor;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Threads for what may block on files and the network: made when there is work, gone after half a minute without. Jobs may run at the same time and in any order.
 *
 * <p>Thread: any.
 */
public final class FileLane implements AutoCloseable {
    private final String name;
    private final int most;
    private final LinkedBlockingQueue<Runnable> jobs = new LinkedBlockingQueue<>();
    private final AtomicInteger threads = new AtomicInteger();
    private final AtomicInteger idle = new AtomicInteger();
    private final AtomicInteger numbers = new AtomicInteger();
    private volatile boolean closed;

    /** At most {@code most} threads. */
    public FileLane(String name, int most) {
        this.name = name;
        this.most = most;
    }

    /** Runs the job soon; a job reports its failures itself. */
    public void run(Runnable job) {
        jobs.add(job);
        if (idle.get() < jobs.size()) {
            int now = threads.get();
            while (now < most && !threads.compareAndSet(now, now + 1)) {
                now = threads.get();
            }
            if (now < most) {
                Thread.ofPlatform()
                        .daemon()
                        .name(name + "-" + numbers.incrementAndGet())
                        .start(this::work);
            }
        }
    }

    private void work() {
        try {
            while (!closed) {
                idle.incrementAndGet();
                Runnable job;
                try {
                    job = jobs.poll(30, TimeUnit.SECONDS);
                } finally {
                    idle.decrementAndGet();
                }
                if (job == null) {
                    break;
                }
                job.run();
            }
        } catch (InterruptedException _) {
            // close() wants the thread to end
        } finally {
            threads.decrementAndGet();
            // A job may have come between the time-out and here, seen an idle thread and made none.
            if (!closed && !jobs.isEmpty()) {
                Runnable job = jobs.poll();
                if (job != null) {
                    run(job);
                }
            }
        }
    }

    /** Jobs that have not begun. */
    public int waiting() {
        return jobs.size();
    }

    /** Starts no further job. */
    @Override
    public void close() {
        closed = true;
        jobs.clear();
    }
}
