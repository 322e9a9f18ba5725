package dev.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;

/** The calls of {@link SyscallFiles} that take an open descriptor and no path. */
final class Descriptors {
    private static final int WRITE_CHUNK = 32 * 1024;

    private Descriptors() {}

    /** How a failure names a descriptor that has no path here. */
    static String name(Fd fd) {
        return "fd " + fd.number();
    }

    static void simple(SyscallNumber nr, Fd fd, long argument) throws ErrnoException {
        long r = Syscall.call(nr, fd.number(), argument);
        if (r < 0) {
            throw Syscall.failure(nr, r, name(fd) + ", " + argument);
        }
    }

    static int read(SyscallNumber nr, Fd fd, MemorySegment target, long offset)
            throws ErrnoException {
        long address = Scratch.address(target);
        if (target.isReadOnly()) {
            throw new IllegalArgumentException("cannot read into a read-only segment: " + target);
        }
        long r;
        try {
            r = Syscall.call(nr, fd.number(), address, chunk(target), offset);
        } finally {
            // SAFETY: keeps an automatic arena's memory alive while the kernel writes to it.
            Reference.reachabilityFence(target);
        }
        return transferred(nr, fd, r);
    }

    static int write(Fd fd, MemorySegment source) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.write;
        long address = Scratch.address(source);
        long r;
        try {
            r = Syscall.call(nr, fd.number(), address, chunk(source));
        } finally {
            // SAFETY: as in read.
            Reference.reachabilityFence(source);
        }
        return transferred(nr, fd, r);
    }

    /** One call moves at most 0x7ffff000 bytes in any case: read(2). */
    private static long chunk(MemorySegment segment) {
        return Math.min(segment.byteSize(), 0x7ffff000L);
    }

    private static int transferred(SyscallNumber nr, Fd fd, long r) throws ErrnoException {
        if (r < 0) {
            if (Syscall.is(r, Errno.EAGAIN)) {
                return -1;
            }
            throw Syscall.failure(nr, r, name(fd));
        }
        return (int) r;
    }

    static void writeAll(Fd fd, byte[] bytes) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.write;
        try (Scratch s = Scratch.open()) {
            MemorySegment buffer = s.bytes(Math.min(bytes.length, WRITE_CHUNK));
            int done = 0;
            while (done < bytes.length) {
                int length = Math.min(bytes.length - done, WRITE_CHUNK);
                MemorySegment.copy(bytes, done, buffer, ValueLayout.JAVA_BYTE, 0, length);
                long r = Syscall.call(nr, fd.number(), buffer.address(), length);
                if (r < 0) {
                    throw Syscall.failure(nr, r, name(fd));
                }
                done += (int) r;
            }
        }
    }

    static long fcntl(Fd fd, int command, long argument) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.fcntl;
        long r = Syscall.call(nr, fd.number(), command, argument);
        if (r < 0) {
            throw Syscall.failure(nr, r, name(fd) + ", " + command + ", " + argument);
        }
        return r;
    }

    static long fstatfsMagic(Fd fd) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.fstatfs;
        try (Scratch s = Scratch.open()) {
            MemorySegment buffer = s.struct(Abi.statfs.sizeof);
            long r = Syscall.call(nr, fd.number(), buffer.address());
            if (r < 0) {
                throw Syscall.failure(nr, r, name(fd));
            }
            return buffer.get(ValueLayout.JAVA_LONG, Abi.statfs.f_type$offset);
        }
    }

    static boolean tryLock(Fd fd) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.flock;
        long r = Syscall.call(nr, fd.number(), Abi.LOCK_EX | Abi.LOCK_NB);
        if (Syscall.is(r, Errno.EAGAIN)) {
            return false;
        }
        if (r < 0) {
            throw Syscall.failure(nr, r, name(fd));
        }
        return true;
    }

    static OwnedFd[] pipe2(int flags) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.pipe2;
        try (Scratch s = Scratch.open()) {
            MemorySegment pair = s.struct(8);
            Syscall.check(nr, Syscall.call(nr, pair.address(), flags | Open.O_CLOEXEC), "");
            return pair(pair);
        }
    }

    /** The two descriptors that a call wrote. */
    static OwnedFd[] pair(MemorySegment pair) {
        return new OwnedFd[] {
            new OwnedFd(pair.get(ValueLayout.JAVA_INT, 0)),
            new OwnedFd(pair.get(ValueLayout.JAVA_INT, 4))
        };
    }
}
