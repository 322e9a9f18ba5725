package dev.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/** {@link Processes} by system calls and {@code posix_spawn(3)}. */
final class SyscallProcesses implements Processes {
    static final SyscallProcesses INSTANCE = new SyscallProcesses();

    private SyscallProcesses() {}

    @Override
    public Optional<OwnedFd> pidfdOpen(int pid) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.pidfd_open;
        long r = Syscall.call(nr, pid, 0);
        if (Syscall.is(r, Errno.ESRCH)) {
            return Optional.empty();
        }
        if (r < 0) {
            throw Syscall.failure(nr, r, "pid " + pid);
        }
        return Optional.of(new OwnedFd((int) r));
    }

    @Override
    public boolean pidfdSendSignal(Fd pidfd, int signal) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.pidfd_send_signal;
        long r = Syscall.call(nr, pidfd.number(), signal, 0, 0);
        if (Syscall.is(r, Errno.ESRCH)) {
            return false;
        }
        if (r < 0) {
            throw Syscall.failure(nr, r, "signal " + signal);
        }
        return true;
    }

    @Override
    public Optional<Integer> pidfdExitStatus(Fd pidfd) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.ioctl;
        try (Scratch s = Scratch.open()) {
            MemorySegment info = s.struct(Abi.PIDFD_INFO_SIZE_VER0);
            info.set(ValueLayout.JAVA_LONG, Abi.pidfd_info.mask$offset, Abi.PIDFD_INFO_EXIT);
            long r = Syscall.call(nr, pidfd.number(), Abi.PIDFD_GET_INFO, info.address());
            // ENOTTY and EINVAL: a kernel before 6.13. ESRCH: reaped, and the kernel kept nothing.
            if (Syscall.is(r, Errno.ENOTTY)
                    || Syscall.is(r, Errno.EINVAL)
                    || Syscall.is(r, Errno.ESRCH)) {
                return Optional.empty();
            }
            Syscall.check(nr, r, "PIDFD_GET_INFO");
            long mask = info.get(ValueLayout.JAVA_LONG, Abi.pidfd_info.mask$offset);
            return (mask & Abi.PIDFD_INFO_EXIT) == 0
                    ? Optional.empty()
                    : Optional.of(info.get(ValueLayout.JAVA_INT, Abi.pidfd_info.exit_code$offset));
        }
    }

    @Override
    public long[] rlimit(int resource) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.prlimit64;
        try (Scratch s = Scratch.open()) {
            MemorySegment limits = s.struct(16);
            long r = Syscall.call(nr, 0, resource, 0, limits.address());
            if (r < 0) {
                throw Syscall.failure(nr, r, "resource " + resource);
            }
            return new long[] {
                limits.get(ValueLayout.JAVA_LONG, 0), limits.get(ValueLayout.JAVA_LONG, 8)
            };
        }
    }

    @Override
    public int posixSpawn(
            Fd executable, List<String> argv, List<String> environment, List<Fd> descriptors)
            throws ErrnoException {
        return LibcSpawn.spawn(executable, argv, environment, descriptors);
    }

    @Override
    public int posixSpawn(
            String executable, List<String> argv, List<String> environment, List<Fd> descriptors)
            throws ErrnoException {
        return LibcSpawn.spawn(executable, argv, environment, descriptors);
    }

    @Override
    public Optional<Integer> waitChild(int pid) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.waitid;
        try (Scratch s = Scratch.open()) {
            MemorySegment info = s.struct(Abi.siginfo_t.sizeof);
            int options = Abi.WEXITED | Abi.WNOHANG;
            long r = Syscall.call(nr, Abi.P_PID, pid, info.address(), options, 0);
            if (r < 0) {
                throw Syscall.failure(nr, r, "pid " + pid);
            }
            if (info.get(ValueLayout.JAVA_INT, Abi.siginfo_t.si_pid$offset) == 0) {
                return Optional.empty();
            }
            int status = info.get(ValueLayout.JAVA_INT, Abi.siginfo_t.si_status$offset);
            return Optional.of(
                    switch (info.get(ValueLayout.JAVA_INT, Abi.siginfo_t.si_code$offset)) {
                        case Abi.CLD_EXITED -> (status & 0xff) << 8;
                        case Abi.CLD_DUMPED -> status | 0x80;
                        default -> status;
                    });
        }
    }

    @Override
    public int getpid() {
        return (int) Syscall.call(SyscallNumber.getpid);
    }

    @Override
    public int geteuid() {
        return (int) Syscall.call(SyscallNumber.geteuid);
    }

    @Override
    public String kernelRelease() throws ErrnoException {
        SyscallNumber nr = SyscallNumber.uname;
        try (Scratch s = Scratch.open()) {
            MemorySegment name = s.struct(Abi.new_utsname.sizeof);
            Syscall.check(nr, Syscall.call(nr, name.address()), "");
            return name.getString(Abi.new_utsname.release$offset, StandardCharsets.US_ASCII);
        }
    }

    @Override
    public int poll(Fd fd, int events, int timeoutMs) throws ErrnoException {
        return poll(List.of(fd), new int[] {events}, timeoutMs)[0];
    }

    @Override
    public int[] poll(List<? extends Fd> fds, int[] events, int timeoutMs) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.ppoll;
        int count = fds.size();
        try (Scratch s = Scratch.open()) {
            MemorySegment pollfds = s.struct((long) Abi.pollfd.sizeof * count);
            for (int i = 0; i < count; i++) {
                long at = (long) Abi.pollfd.sizeof * i;
                int fd = fds.get(i).number();
                pollfds.set(ValueLayout.JAVA_INT, at + Abi.pollfd.fd$offset, fd);
                pollfds.set(
                        ValueLayout.JAVA_SHORT, at + Abi.pollfd.events$offset, (short) events[i]);
            }
            MemorySegment left = s.struct(Abi.timespec.sizeof);
            left.set(ValueLayout.JAVA_LONG, Abi.timespec.tv_sec$offset, timeoutMs / 1000);
            long nanos = timeoutMs % 1000 * 1_000_000L;
            left.set(ValueLayout.JAVA_LONG, Abi.timespec.tv_nsec$offset, nanos);
            // The kernel leaves what is left of the time-out here, so a call that a signal
            // interrupted goes on with the rest.
            long timeout = timeoutMs < 0 ? 0 : left.address();
            long r = Syscall.call(nr, pollfds.address(), count, timeout, 0, 8);
            Syscall.check(nr, r, "descriptors");
            int[] returned = new int[count];
            for (int i = 0; i < count; i++) {
                long at = (long) Abi.pollfd.sizeof * i + Abi.pollfd.revents$offset;
                returned[i] = pollfds.get(ValueLayout.JAVA_SHORT, at);
            }
            return returned;
        }
    }

    @Override
    public boolean killProcessGroup(int group, int signal) throws ErrnoException {
        if (group <= 1) {
            throw new IllegalArgumentException("not a process group of ours: " + group);
        }
        SyscallNumber nr = SyscallNumber.kill;
        long r = Syscall.call(nr, -group, signal);
        if (Syscall.is(r, Errno.ESRCH)) {
            return false;
        }
        if (r < 0) {
            throw Syscall.failure(nr, r, "group " + group + ", signal " + signal);
        }
        return true;
    }

    @Override
    public Optional<Long> startTime(int pid) throws ErrnoException {
        String stat;
        try {
            byte[] content = SyscallFiles.INSTANCE.readFile(Fd.CWD, "/proc/" + pid + "/stat", 8192);
            stat = new String(content, StandardCharsets.ISO_8859_1);
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT || e.errno() == Errno.ESRCH) {
                return Optional.empty();
            }
            throw e;
        }
        // The second field is the program's own name in parentheses and may hold anything.
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return Optional.of(Long.parseLong(fields[22 - 3]));
    }
}
