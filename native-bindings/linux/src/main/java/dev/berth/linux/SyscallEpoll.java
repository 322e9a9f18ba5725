package dev.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** {@link Epoll} by system calls. */
final class SyscallEpoll implements Epoll {
    static final SyscallEpoll INSTANCE = new SyscallEpoll();

    private static final long NS_PER_SECOND = 1_000_000_000L;

    private SyscallEpoll() {}

    @Override
    public OwnedFd create() throws ErrnoException {
        SyscallNumber nr = SyscallNumber.epoll_create1;
        long r = Syscall.call(nr, Open.O_CLOEXEC);
        return new OwnedFd((int) Syscall.check(nr, r, ""));
    }

    @Override
    public void add(Fd epoll, Fd watched, long token) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.epoll_ctl;
        try (Scratch s = Scratch.open()) {
            MemorySegment event = s.struct(Abi.epoll_event.sizeof);
            event.set(ValueLayout.JAVA_INT, Abi.epoll_event.events$offset, Abi.EPOLLIN);
            event.set(ValueLayout.JAVA_LONG_UNALIGNED, Abi.epoll_event.data$offset, token);
            long r =
                    Syscall.call(
                            nr,
                            epoll.number(),
                            Abi.EPOLL_CTL_ADD,
                            watched.number(),
                            event.address());
            Syscall.check(nr, r, "add, " + Descriptors.name(watched));
        }
    }

    @Override
    public boolean remove(Fd epoll, Fd watched) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.epoll_ctl;
        long r = Syscall.call(nr, epoll.number(), Abi.EPOLL_CTL_DEL, watched.number(), 0);
        if (Syscall.is(r, Errno.ENOENT)) {
            return false;
        }
        Syscall.check(nr, r, "remove, " + Descriptors.name(watched));
        return true;
    }

    @Override
    public int wait(Fd epoll, long[] tokens, int timeoutMs) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.epoll_pwait;
        try (Scratch s = Scratch.open()) {
            MemorySegment events = s.bytes((long) Abi.epoll_event.sizeof * tokens.length);
            long r =
                    Syscall.call(
                            nr, epoll.number(), events.address(), tokens.length, timeoutMs, 0, 8);
            int ready = (int) Syscall.check(nr, r, "");
            for (int i = 0; i < ready; i++) {
                tokens[i] =
                        events.get(
                                ValueLayout.JAVA_LONG_UNALIGNED,
                                (long) Abi.epoll_event.sizeof * i + Abi.epoll_event.data$offset);
            }
            return ready;
        }
    }

    @Override
    public OwnedFd timer() throws ErrnoException {
        SyscallNumber nr = SyscallNumber.timerfd_create;
        long r = Syscall.call(nr, Abi.CLOCK_MONOTONIC, Open.O_CLOEXEC | Open.O_NONBLOCK);
        return new OwnedFd((int) Syscall.check(nr, r, ""));
    }

    @Override
    public void arm(Fd timer, long delayNs) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.timerfd_settime;
        try (Scratch s = Scratch.open()) {
            MemorySegment spec = s.struct(Abi.itimerspec.sizeof);
            long at = Abi.itimerspec.it_value$offset;
            spec.set(
                    ValueLayout.JAVA_LONG,
                    at + Abi.timespec.tv_sec$offset,
                    delayNs / NS_PER_SECOND);
            spec.set(
                    ValueLayout.JAVA_LONG,
                    at + Abi.timespec.tv_nsec$offset,
                    delayNs % NS_PER_SECOND);
            long r = Syscall.call(nr, timer.number(), 0, spec.address(), 0);
            Syscall.check(nr, r, Long.toString(delayNs));
        }
    }
}
