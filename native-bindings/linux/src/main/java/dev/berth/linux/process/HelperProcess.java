package dev.berth.linux.process;

import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Poll;
import dev.berth.linux.Processes;
import dev.berth.linux.Signal;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A program that the agent started, and the only way to start one. It runs in a session of its own with working directory {@code /}, no signal blocked or ignored, and no other
 * descriptors than the listed ones.
 *
 * <p>{@link #run} is for programs that answer and end; {@link #start} for those that stay. Thread: one at a time; both block.
 */
public final class HelperProcess implements AutoCloseable {
    private final Linux linux;
    private final int pid;
    private final OwnedFd pidfd;
    private Optional<Integer> status = Optional.empty();

    private HelperProcess(Linux linux, int pid, OwnedFd pidfd) {
        this.linux = linux;
        this.pid = pid;
        this.pidfd = pidfd;
    }

    /**
     * Starts a program that stays. {@code descriptors.get(i)} becomes its descriptor {@code i}; the caller's stay open. Returns when it has executed.
     *
     * @throws ErrnoException what {@code execve(2)} said, ENOENT and EACCES among others
     */
    public static HelperProcess start(Linux linux, HelperCommand command, List<Fd> descriptors)
            throws ErrnoException {
        Processes processes = linux.processes();
        List<String> environment = command.environmentStrings();
        int pid =
                switch (command.program()) {
                    case HelperCommand.Program.AtPath(String path) ->
                            processes.posixSpawn(path, command.argv(), environment, descriptors);
                    case HelperCommand.Program.Open(Fd file) ->
                            processes.posixSpawn(file, command.argv(), environment, descriptors);
                };
        OwnedFd pidfd;
        try {
            // Our own child that nobody else waits for: its number cannot be another's.
            pidfd = processes.pidfdOpen(pid).orElseThrow(() -> lost(pid));
        } catch (ErrnoException e) {
            processes.killProcessGroup(pid, Signal.SIGKILL);
            awaitChild(processes, pid);
            throw e;
        }
        HelperProcess helper = new HelperProcess(linux, pid, pidfd);
        if (command.cgroup().isPresent()) {
            try {
                linux.files()
                        .writeFile(command.cgroup().get(), "cgroup.procs", Integer.toString(pid));
            } catch (ErrnoException e) {
                helper.close();
                throw e;
            }
        }
        return helper;
    }

    private static ErrnoException lost(int pid) {
        return new ErrnoException(
                "pidfd_open",
                Errno.ESRCH,
                "pid " + pid + ": gone before it was reaped, is SIGCHLD ignored?");
    }

    /** For a child without a pidfd, killed before: ends as soon as the kernel has torn it down. */
    private static void awaitChild(Processes processes, int pid) throws ErrnoException {
        while (processes.waitChild(pid).isEmpty()) {
            Thread.onSpinWait();
        }
    }

    /**
     * Runs a program to its end: writes {@code input} to its descriptor 0, collects 1 and 2. At the deadline, and when it has ended, all that is left of its session's process group is
     * killed. Output beyond {@code limitBytes} on either descriptor is read and thrown away.
     */
    public static HelperResult run(
            Linux linux, HelperCommand command, byte[] input, Duration deadline, int limitBytes)
            throws ErrnoException {
        long end = System.nanoTime() + deadline.toNanos();
        List<OwnedFd> open = new ArrayList<>();
        try {
            OwnedFd[] in = pipe(linux, open);
            OwnedFd[] out = pipe(linux, open);
            OwnedFd[] err = pipe(linux, open);
            try (HelperProcess helper = start(linux, command, List.of(in[0], out[1], err[1]))) {
                in[0].close();
                out[1].close();
                err[1].close();
                for (OwnedFd ours : List.of(in[1], out[0], err[0])) {
                    linux.files().setNonBlocking(ours, true);
                }
                HelperPipes pipes =
                        new HelperPipes(linux, input, in[1], out[0], err[0], limitBytes);
                boolean ended = pipes.pump(helper.pidfd, end);
                linux.processes().killProcessGroup(helper.pid, Signal.SIGKILL);
                // The last words of one that was killed are kept as well.
                int waitStatus = helper.await(Duration.ofSeconds(10)).orElseThrow(helper::stuck);
                pipes.drain();
                return new HelperResult(
                        waitStatus, pipes.output(), pipes.errors(), pipes.truncated(), !ended);
            }
        } finally {
            open.forEach(OwnedFd::close);
        }
    }

    private static OwnedFd[] pipe(Linux linux, List<OwnedFd> open) throws ErrnoException {
        OwnedFd[] pipe = linux.files().pipe2(0);
        open.add(pipe[0]);
        open.add(pipe[1]);
        return pipe;
    }

    private ErrnoException stuck() {
        return new ErrnoException(
                "waitid", Errno.ETIMEDOUT, "pid " + pid + ": killed, but does not end");
    }

    public int pid() {
        return pid;
    }

    /** Readable when the process has ended. It stays this object's. */
    public Fd pidfd() {
        return pidfd;
    }

    /** The wait status once it has ended: reaps it at the first such answer. Does not block. */
    public Optional<Integer> ended() throws ErrnoException {
        if (status.isEmpty()) {
            status = linux.processes().waitChild(pid);
        }
        return status;
    }

    /** The same, waiting as long as {@code limit}. */
    public Optional<Integer> await(Duration limit) throws ErrnoException {
        long end = System.nanoTime() + limit.toNanos();
        while (ended().isEmpty()) {
            int left = HelperPipes.millisUntil(end);
            if (left == 0) {
                return Optional.empty();
            }
            linux.processes().poll(pidfd, Poll.POLLIN, left);
        }
        return status;
    }

    /** Sends a signal to the process itself; false when it has ended. */
    public boolean signal(int signal) throws ErrnoException {
        return ended().isEmpty() && linux.processes().pidfdSendSignal(pidfd, signal);
    }

    /** Kills the process itself if it still runs, and reaps it; what it started lives on. */
    @Override
    public void close() {
        try (pidfd) {
            if (signal(Signal.SIGKILL)) {
                await(Duration.ofSeconds(10));
            }
        } catch (ErrnoException e) {
            // ECHILD: it was reaped elsewhere. Nothing else can be wrong with our own child.
            if (e.errno() != Errno.ECHILD) {
                throw new IllegalStateException("helper process " + pid + " cannot be ended", e);
            }
        }
    }

    /** {@code /dev/null} for a descriptor that a program does not need. */
    public static OwnedFd devNull(Linux linux) throws ErrnoException {
        return linux.files().openat(Fd.CWD, "/dev/null", Open.O_RDWR, 0);
    }
}
