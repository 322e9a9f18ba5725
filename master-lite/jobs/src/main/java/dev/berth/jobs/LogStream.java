package dev.berth.jobs;

import com.google.protobuf.ByteString;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/** Follows one file of a sandbox until the task has ended and all of it was read. Thread: its own. */
final class LogStream {
    private static final long LOOK_NS = 50_000_000L;
    private static final int FIRST_TRIES = 5;

    /** Takes what was read. Called by the stream's thread. */
    interface Sink {
        void take(ByteString bytes);

        /** There is no more. */
        void end();
    }

    private final MasterClient client;
    private final Sandbox sandbox;
    private final String file;
    private final Sink sink;
    private final AtomicBoolean ended = new AtomicBoolean();
    private final AtomicReference<Optional<String>> trouble =
            new AtomicReference<>(Optional.empty());
    private final Thread thread;
    private volatile long readAtNs;

    LogStream(MasterClient client, Sandbox sandbox, String file, Sink sink) {
        this.client = client;
        this.sandbox = sandbox;
        this.file = file;
        this.sink = sink;
        thread = Thread.ofVirtual().name("berth-log").unstarted(this::run);
    }

    LogStream start() {
        thread.start();
        return this;
    }

    /** Reads on to the ends of the files, then stops. An agent that says nothing for so long is not waited for; those that are away not at all. */
    static void finish(List<LogStream> all, Set<String> away, long patienceNs)
            throws InterruptedException {
        long begin = System.nanoTime();
        for (LogStream each : all) {
            each.ended.set(true);
            LockSupport.unpark(each.thread);
        }
        for (LogStream each : all) {
            each.join(begin, away.contains(each.task()) ? 0 : patienceNs);
        }
    }

    private void join(long beginNs, long patienceNs) throws InterruptedException {
        while (thread.isAlive()) {
            long last = readAtNs == 0 ? beginNs : Math.max(beginNs, readAtNs);
            long left = last + patienceNs - System.nanoTime();
            if (left <= 0 || thread.join(Duration.ofNanos(left))) {
                break;
            }
        }
        if (thread.isAlive()) {
            var _ =
                    trouble.compareAndSet(
                            Optional.empty(),
                            Optional.of("no answer from agent " + sandbox.agent()));
            thread.interrupt();
        }
    }

    String task() {
        return sandbox.task();
    }

    /** Where it is, for people. */
    Sandbox sandbox() {
        return sandbox;
    }

    /** Why it could not be read, if so. */
    Optional<String> trouble() {
        return trouble.get();
    }

    private void run() {
        long offset = 0;
        int failures = 0;
        try {
            while (true) {
                // Asked before the file is: what was written before the end is then read.
                boolean last = ended.get();
                try {
                    ByteString bytes = sandbox.read(client, file, offset);
                    failures = 0;
                    readAtNs = System.nanoTime();
                    if (!bytes.isEmpty()) {
                        sink.take(bytes);
                        offset += bytes.size();
                        continue;
                    }
                } catch (JobException e) {
                    // The agent may be on its way back; one that never answered is not waited for.
                    if (last || (offset == 0 && ++failures >= FIRST_TRIES)) {
                        trouble.set(Optional.of(String.valueOf(e.getMessage())));
                        return;
                    }
                }
                if (last) {
                    return;
                }
                LockSupport.parkNanos(LOOK_NS);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            sink.end();
        }
    }
}
