package dev.berth.jobs;

import com.google.protobuf.ByteString;

import java.util.Optional;
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
    }

    private final MasterClient client;
    private final Sandbox sandbox;
    private final String file;
    private final Sink sink;
    private final AtomicBoolean ended = new AtomicBoolean();
    private final AtomicReference<Optional<String>> trouble =
            new AtomicReference<>(Optional.empty());
    private final Thread thread;

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

    /** Reads on to the end of the file, then stops; waits so long at most. */
    void finish(long withinNs) throws InterruptedException {
        ended.set(true);
        LockSupport.unpark(thread);
        thread.join(java.time.Duration.ofNanos(withinNs));
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
        }
    }
}
