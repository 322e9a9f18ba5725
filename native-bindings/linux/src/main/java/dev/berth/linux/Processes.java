package dev.berth.linux;

import java.util.List;
import java.util.Optional;

/** Processes seen from outside: the JVM is the parent of the helpers that it spawns and of nothing else. */
public interface Processes {
    /** {@code pidfd_open(2)}; empty when there is no such process (ESRCH). */
    Optional<OwnedFd> pidfdOpen(int pid) throws ErrnoException;

    /** {@code pidfd_send_signal(2)}; false when the process is gone (ESRCH). */
    boolean pidfdSendSignal(Fd pidfd, int signal) throws ErrnoException;

    /** PIDFD_GET_INFO with exit information; empty when the process runs or the kernel (before 6.15) has no such answer. */
    Optional<Integer> pidfdExitStatus(Fd pidfd) throws ErrnoException;

    /** {@code prlimit(2)} of this process: {soft, hard}; {@code resource} is an RLIMIT_ number. */
    long[] rlimit(int resource) throws ErrnoException;

    /**
     * {@code posix_spawn(3)} of an open binary (not a script: its interpreter could not open it again), in a session of its own, working directory {@code /}, no signal blocked or
     * ignored. {@code descriptors.get(i)} becomes descriptor {@code i}; all others are closed. Blocks until the child has executed. Programs are started through {@code
     * dev.berth.linux.process.HelperProcess}, which calls this.
     */
    int posixSpawn(Fd executable, List<String> argv, List<String> environment, List<Fd> descriptors)
            throws ErrnoException;

    /** The same for an absolute path, which may also be a script. */
    int posixSpawn(
            String executable, List<String> argv, List<String> environment, List<Fd> descriptors)
            throws ErrnoException;

    /** {@code waitid(2)} on a child that {@link #posixSpawn} made: reaps it, or empty while it runs. The value is a wait status. */
    Optional<Integer> waitChild(int pid) throws ErrnoException;

    int getpid();

    int geteuid();

    /** {@code uname(2)} release, such as {@code 6.18.44}. */
    String kernelRelease() throws ErrnoException;

    /** {@code poll(2)} on one descriptor: the returned events, 0 on time-out (milliseconds, -1 for ever). */
    int poll(Fd fd, int events, int timeoutMs) throws ErrnoException;

    /** The same on several: the returned events of each, all 0 on time-out. */
    int[] poll(List<? extends Fd> fds, int[] events, int timeoutMs) throws ErrnoException;

    /** {@code kill(2)} of a process group; false when it has no process (ESRCH). Only for a group whose leader is a child that was not reaped yet: else the number may be another's by now. */
    boolean killProcessGroup(int group, int signal) throws ErrnoException;

    /** Start time of a process in clock ticks since boot: field 22 of {@code /proc/PID/stat}; empty when it is gone. */
    Optional<Long> startTime(int pid) throws ErrnoException;
}
