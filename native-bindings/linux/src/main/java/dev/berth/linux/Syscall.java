package dev.berth.linux;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The one raw call shape: seven longs, errno captured in the same call. It serves {@code syscall(2)} and those C library functions that {@link LibcSpawn} needs, since each further
 * shape would cost 12 to 25 ms at start-up.
 */
@SuppressWarnings("restricted")
final class Syscall {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final FunctionDescriptor SHAPE =
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG);
    private static final MethodHandle syscall$mh = handle("syscall");

    private Syscall() {}

    /** A handle of this shape on a C library function whose parameters are all integers or pointers. */
    static MethodHandle handle(String function) {
        return LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow(function),
                SHAPE,
                Linker.Option.captureCallState("errno"));
    }

    /** The result, or the negated errno; calls that a signal interrupted are made again. */
    static long call(SyscallNumber nr, long a, long b, long c, long d, long e, long f) {
        long result;
        do {
            result = once(nr.number(), a, b, c, d, e, f);
        } while (result == -Scratch.EINTR);
        return result;
    }

    static long call(SyscallNumber nr) {
        return call(nr, 0, 0, 0, 0, 0, 0);
    }

    static long call(SyscallNumber nr, long a) {
        return call(nr, a, 0, 0, 0, 0, 0);
    }

    static long call(SyscallNumber nr, long a, long b) {
        return call(nr, a, b, 0, 0, 0, 0);
    }

    static long call(SyscallNumber nr, long a, long b, long c) {
        return call(nr, a, b, c, 0, 0, 0);
    }

    static long call(SyscallNumber nr, long a, long b, long c, long d) {
        return call(nr, a, b, c, d, 0, 0);
    }

    static long call(SyscallNumber nr, long a, long b, long c, long d, long e) {
        return call(nr, a, b, c, d, e, 0);
    }

    /** Passes a result on, or throws what the negated errno says. */
    static long check(SyscallNumber nr, long result, String detail) throws ErrnoException {
        if (result < 0) {
            throw failure(nr, result, detail);
        }
        return result;
    }

    static ErrnoException failure(SyscallNumber nr, long result, String detail) {
        return new ErrnoException(nr.name(), Errno.of((int) -result), detail);
    }

    static boolean is(long result, Errno errno) {
        return result == -errno.number();
    }

    /** {@code close(2)}, once: on Linux the descriptor is gone even when the call was interrupted, and a second try could close somebody else's. */
    static void close(int fd) {
        long _ = once(SyscallNumber.close.number(), fd, 0, 0, 0, 0, 0);
    }

    private static long once(long nr, long a, long b, long c, long d, long e, long f) {
        MemorySegment state = Scratch.capture();
        long result;
        try {
            // SAFETY: the descriptor says six integer-class arguments, which is what the kernel
            // reads; pointers are the caller's to keep alive for the call.
            result = (long) syscall$mh.invokeExact(state, nr, a, b, c, d, e, f);
        } catch (Throwable t) {
            throw new AssertionError("syscall(2) downcall", t);
        }
        return result == -1 ? -state.get(ValueLayout.JAVA_INT, Scratch.ERRNO_OFFSET) : result;
    }
}
