package dev.berth.gpu.nvml;

import dev.berth.linux.ErrnoException;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;

/** Workers one after the other: rests between starts, ends, and those that cannot end and are left behind, of which there are at most two at a time. Thread: the lane. */
final class WorkerLives {
    static final int MOST_ABANDONED = 2;

    private final NvmlSettings.Deadlines deadlines;
    private final Worker.Starter starter;
    private final LongSupplier clock;
    private final List<Worker> abandoned = new ArrayList<>();
    private Optional<Worker> worker = Optional.empty();
    private int losses;
    private long dueAtNs;
    private Optional<Long> readySinceNs = Optional.empty();

    WorkerLives(NvmlSettings.Deadlines deadlines, Worker.Starter starter, LongSupplier clock) {
        this.deadlines = deadlines;
        this.starter = starter;
        this.clock = clock;
        this.dueAtNs = clock.getAsLong();
    }

    Optional<Worker> worker() {
        return worker;
    }

    boolean due() {
        return clock.getAsLong() - dueAtNs >= 0;
    }

    long dueAtNs() {
        return dueAtNs;
    }

    boolean hasAbandoned() {
        return !abandoned.isEmpty();
    }

    /** Starts one; why not, in words, when it cannot be, and then not before the next rest is over. */
    Optional<String> start() {
        if (abandoned.size() >= MOST_ABANDONED) {
            rest();
            return Optional.of(
                    String.join(" and ", abandoned.stream().map(Worker::name).toList())
                            + " hang in the kernel and cannot be ended: reload the driver or reboot the node");
        }
        try {
            worker = Optional.of(starter.start());
            readySinceNs = Optional.empty();
            return Optional.empty();
        } catch (ErrnoException e) {
            rest();
            return Optional.of("the GPU worker cannot be started: " + e.getMessage());
        }
    }

    /** It has found the devices. */
    void ready() {
        if (readySinceNs.isEmpty()) {
            readySinceNs = Optional.of(clock.getAsLong());
        }
    }

    /** Ends the worker, for the next one to come after a rest; false when it could not be ended and was left behind. */
    boolean end() {
        if (worker.isEmpty()) {
            return true;
        }
        Worker ending = worker.get();
        worker = Optional.empty();
        long now = clock.getAsLong();
        if (readySinceNs.isPresent()
                && now - readySinceNs.get() >= deadlines.lastRetry().toNanos()) {
            losses = 0;
        }
        rest();
        if (kill(ending)) {
            ending.close();
            return true;
        }
        abandoned.add(ending);
        return false;
    }

    private boolean kill(Worker ending) {
        try {
            return ending.kill(deadlines.kill());
        } catch (ErrnoException e) {
            // Not ours to wait for any more: it is gone.
            return true;
        }
    }

    /** The first start after a loss comes at once: most of what is lost comes back with a new process. */
    private void rest() {
        long rest = 0;
        if (losses > 0) {
            long first = deadlines.firstRetry().toNanos();
            rest = Math.min(first << Math.min(losses - 1, 20), deadlines.lastRetry().toNanos());
        }
        losses++;
        dueAtNs = clock.getAsLong() + rest;
    }

    /** Those left behind may end after all, when the driver lets go of them. */
    void reap() {
        for (Iterator<Worker> left = abandoned.iterator(); left.hasNext(); ) {
            Worker one = left.next();
            boolean gone;
            try {
                gone = one.kill(Duration.ZERO);
            } catch (ErrnoException e) {
                gone = true;
            }
            if (gone) {
                one.close();
                left.remove();
                dueAtNs = clock.getAsLong();
            }
        }
    }

    void close() {
        worker.ifPresent(ending -> {
            kill(ending);
            ending.close();
        });
        worker = Optional.empty();
        abandoned.forEach(Worker::close);
        abandoned.clear();
    }
}
