package dev.berth.containerizer.launch;

import dev.berth.linux.OwnedFd;

import java.util.List;
import java.util.Optional;

/** What a monitor tells (native-bindings/shim/PROTOCOL.md section 3). Descriptors in a message are the receiver's. */
public sealed interface MonitorMessage {
    /**
     * The program was executed.
     *
     * @param startTime of the process, in clock ticks since boot
     * @param stamps CLOCK_MONOTONIC in nanoseconds by index, 0 where not reached
     * @param input the write end of standard input, or the pty master
     */
    record Started(
            int pid, long startTime, List<Long> stamps, OwnedFd pidfd, Optional<OwnedFd> input)
            implements MonitorMessage {}

    /**
     * The launch failed; EXITED follows never.
     *
     * @param section 0 validation, 1 host, 2 child, 3 monitor
     * @param op index of the op within its section
     * @param errno positive
     */
    record Failed(int section, int op, int errno, List<Long> stamps) implements MonitorMessage {}

    /** The process and its output have ended; the exit record is written. */
    record Exited(
            int waitStatus,
            boolean oom,
            long oomKills,
            long finishedNs,
            long userUs,
            long systemUs,
            long logDroppedBytes)
            implements MonitorMessage {}

    /**
     * Answer to HELLO.
     *
     * @param running empty when it has ended or is still starting
     * @param ended the last {@link Failed} or {@link Exited}
     */
    record State(Optional<Started> running, Optional<MonitorMessage> ended)
            implements MonitorMessage {}

    /** Answer to a request: {@code errno} 0 is success. */
    record Ack(int type, int errno) implements MonitorMessage {}

    /** The monitor is gone. */
    record Closed() implements MonitorMessage {}
}
