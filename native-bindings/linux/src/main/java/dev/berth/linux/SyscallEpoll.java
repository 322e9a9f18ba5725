package dev.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** {@link Epoll} by system calls. */
final class SyscallEpoll implements Epoll {
    static final SyscallEpoll INSTANCE = new SyscallEpoll();

    private static final int EPOLL_CTL_ADD = 1;
    private static final int EPOLL_CTL_DEL = 2;
    private static final int EPOLLIN = 1;
    private static final int CLOCK_MONOTONIC = 1;
    private static final long NS_PER_SECOND = 1_000_000_000L;

    // struct epoll_event is packed on x86-64 and nowhere else (eventpoll.h, EPOLL_PACKED).
    private static final boolean PACKED = Arch.HOST == Arch.X86_64;
    private static final int EVENT_BYTES = PACKED ? 12 : 16;
    private static final int EVENT_DATA = PACKED ? 4 : 8;

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
            MemorySegment event = s.struct(EVENT_BYTES);
            event.set(ValueLayout.JAVA_INT, 0, EPOLLIN);
            event.set(ValueLayout.JAVA_LONG_UNALIGNED, EVENT_DATA, token);
            long r =
                    Syscall.call(
                            nr, epoll.number(), EPOLL_CTL_ADD, watched.number(), event.address());
            Syscall.check(nr, r, "add, " + Descriptors.name(watched));
        }
    }

    @Override
    public boolean remove(Fd epoll, Fd watched) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.epoll_ctl;
        long r = Syscall.call(nr, epoll.number(), EPOLL_CTL_DEL, watched.number(), 0);
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
            MemorySegment events = s.bytes((long) EVENT_BYTES * tokens.length);
            long r =
                    Syscall.call(
                            nr, epoll.number(), events.address(), tokens.length, timeoutMs, 0, 8);
            int ready = (int) Syscall.check(nr, r, "");
            for (int i = 0; i < ready; i++) {
                tokens[i] =
                        events.get(
                                ValueLayout.JAVA_LONG_UNALIGNED,
                                (long) EVENT_BYTES * i + EVENT_DATA);
            }
            return ready;
        }
    }

    @Override
    public OwnedFd timer() throws ErrnoException {
        SyscallNumber nr = SyscallNumber.timerfd_create;
        long r = Syscall.call(nr, CLOCK_MONOTONIC, Open.O_CLOEXEC | Open.O_NONBLOCK);
        return new OwnedFd((int) Syscall.check(nr, r, ""));
    }

    @Override
    public void arm(Fd timer, long delayNs) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.timerfd_settime;
        try (Scratch s = Scratch.open()) {
            MemorySegment spec = s.struct(32);
            spec.set(ValueLayout.JAVA_LONG, 16, delayNs / NS_PER_SECOND);
            spec.set(ValueLayout.JAVA_LONG, 24, delayNs % NS_PER_SECOND);
            long r = Syscall.call(nr, timer.number(), 0, spec.address(), 0);
            Syscall.check(nr, r, Long.toString(delayNs));
        }
    }
}
