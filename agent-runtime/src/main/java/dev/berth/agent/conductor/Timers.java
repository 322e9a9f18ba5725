package dev.berth.agent.conductor;

import java.util.Comparator;
import java.util.PriorityQueue;

/** One-shot timers on CLOCK_MONOTONIC nanoseconds. Conductor thread. */
final class Timers {
    private final PriorityQueue<Timer> queue =
            new PriorityQueue<>(Comparator.comparingLong((Timer timer) -> timer.atNs));

    static final class Timer {
        private final long atNs;
        private final Runnable action;
        private boolean cancelled;

        private Timer(long atNs, Runnable action) {
            this.atNs = atNs;
            this.action = action;
        }

        void cancel() {
            cancelled = true;
        }
    }

    Timer at(long atNs, Runnable action) {
        Timer timer = new Timer(atNs, action);
        queue.add(timer);
        return timer;
    }

    int run(long nowNs) {
        int ran = 0;
        for (Timer first = queue.peek();
                first != null && (first.cancelled || first.atNs <= nowNs);
                first = queue.peek()) {
            queue.remove();
            if (!first.cancelled) {
                first.action.run();
                ran++;
            }
        }
        return ran;
    }

    /** When the next one is due; Long.MAX_VALUE when there is none. */
    long nextNs() {
        while (!queue.isEmpty() && queue.element().cancelled) {
            queue.remove();
        }
        return queue.isEmpty() ? Long.MAX_VALUE : queue.element().atNs;
    }
}
