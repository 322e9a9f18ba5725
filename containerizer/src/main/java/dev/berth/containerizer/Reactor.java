package dev.berth.containerizer;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;

import org.agrona.collections.Long2ObjectHashMap;

import java.util.PriorityQueue;

/**
 * All descriptors and timers of the containerizer behind one epoll descriptor: a poll costs what is ready, however many containers run.
 *
 * <p>Thread: conductor.
 */
final class Reactor implements AutoCloseable {
    private static final int BATCH = 64;
    private static final long TIMER = 0;

    private final Linux linux;
    private final OwnedFd epoll;
    private final OwnedFd timer;
    private final Long2ObjectHashMap<Runnable> handlers = new Long2ObjectHashMap<>();
    private final PriorityQueue<Alarm> alarms = new PriorityQueue<>();
    private final long[] tokens = new long[BATCH];
    private long nextToken = TIMER + 1;
    private long armedForNs = Long.MAX_VALUE;

    private record Alarm(long atNs, Runnable action) implements Comparable<Alarm> {
        @Override
        public int compareTo(Alarm other) {
            return Long.compare(atNs, other.atNs);
        }
    }

    Reactor(Linux linux) throws ErrnoException {
        this.linux = linux;
        this.epoll = linux.epoll().create();
        try {
            this.timer = linux.epoll().timer();
        } catch (ErrnoException e) {
            epoll.close();
            throw e;
        }
        try {
            linux.epoll().add(epoll, timer, TIMER);
        } catch (ErrnoException e) {
            close();
            throw e;
        }
    }

    /** Readable when {@link #poll} has something to do. */
    Fd descriptor() {
        return epoll;
    }

    /** Calls {@code handler} from {@link #poll} while the descriptor is readable; returns the token for {@link #remove}. */
    long add(Fd watched, Runnable handler) throws ErrnoException {
        long token = nextToken++;
        linux.epoll().add(epoll, watched, token);
        handlers.put(token, handler);
        return token;
    }

    /** Must be called before the descriptor is closed; a second call is a no-op. */
    void remove(long token, Fd watched) {
        if (handlers.remove(token) != null) {
            try {
                linux.epoll().remove(epoll, watched);
            } catch (ErrnoException e) {
                throw new IllegalStateException("descriptor left the epoll by itself", e);
            }
        }
    }

    /** Calls {@code action} once from {@link #poll}, not before so many nanoseconds have passed. */
    void after(long delayNs, Runnable action) {
        alarms.add(new Alarm(System.nanoTime() + delayNs, action));
        arm();
    }

    /** Handles what is ready; returns work count. Never waits. */
    int poll() throws ErrnoException {
        int ready = linux.epoll().wait(epoll, tokens, 0);
        for (int i = 0; i < ready; i++) {
            Runnable handler = handlers.get(tokens[i]);
            if (handler != null) {
                handler.run();
            }
        }
        return ready == 0 ? 0 : ready + ring();
    }

    private int ring() {
        int work = 0;
        long now = System.nanoTime();
        while (!alarms.isEmpty() && alarms.peek().atNs - now <= 0) {
            alarms.remove().action.run();
            work++;
        }
        arm();
        return work;
    }

    private void arm() {
        Alarm first = alarms.peek();
        long wanted = first == null ? Long.MAX_VALUE : first.atNs;
        if (wanted == armedForNs && wanted - System.nanoTime() > 0) {
            return;
        }
        armedForNs = wanted;
        try {
            linux.epoll()
                    .arm(timer, first == null ? 0 : Math.max(1, first.atNs - System.nanoTime()));
        } catch (ErrnoException e) {
            throw new IllegalStateException("timer of the containerizer", e);
        }
    }

    @Override
    public void close() {
        timer.close();
        epoll.close();
    }
}
