package dev.berth.gpu.nvml;

import dev.berth.linux.ErrnoException;

import java.time.Duration;
import java.util.Optional;

/** A worker as the supervisor sees it; a process in the product. Thread: the lane. */
interface Worker {
    /** Starts one. */
    interface Starter {
        Worker start() throws ErrnoException;
    }

    void send(WorkerCommand command) throws ErrnoException, PacketException;

    /** The next message; empty when none has come. */
    Optional<WorkerMessage> receive() throws ErrnoException, PacketException;

    /** How it ended, in words, once all that it said has been received; empty while it is there. */
    Optional<String> ended() throws ErrnoException;

    /** What its threads are in: queries, events. */
    CallClock.View[] calls() throws ErrnoException;

    /** Kills it and waits so long; false when it does not end, which is when a thread of it is in the kernel for good. */
    boolean kill(Duration grace) throws ErrnoException;

    /** For messages: {@code gpu-worker 4711}. */
    String name();

    /** Frees what belongs to it on this side, after its end. */
    void close();
}
