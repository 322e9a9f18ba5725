package dev.berth.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** The one raw call shape: {@code syscall(2)} with seven longs and errno captured in the same call. Each further shape would cost 12 to 25 ms at start-up. */
@SuppressWarnings("restricted")
final class Syscall {
    private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
    private static final long ERRNO_OFFSET =
            CAPTURE.byteOffset(java.lang.foreign.MemoryLayout.PathElement.groupElement("errno"));
    private static final ThreadLocal<MemorySegment> STATE =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CAPTURE));
    private static final MethodHandle syscall$mh =
            Linker.nativeLinker()
                    .downcallHandle(
                            Linker.nativeLinker().defaultLookup().findOrThrow("syscall"),
                            FunctionDescriptor.of(
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_LONG),
                            Linker.Option.captureCallState("errno"));

    private static final long SYS_close = System.getProperty("os.arch").equals("aarch64") ? 57 : 3;

    private Syscall() {}

    /** The result, or the negated errno. */
    static long call(long nr, long a, long b, long c, long d, long e, long f) {
        MemorySegment state = STATE.get();
        long result;
        try {
            // SAFETY: the descriptor says six integer-class arguments, which is what the kernel
            // reads; pointers are the caller's to keep alive for the call.
            result = (long) syscall$mh.invokeExact(state, nr, a, b, c, d, e, f);
        } catch (Throwable t) {
            throw new AssertionError("syscall(2) downcall", t);
        }
        return result == -1 ? -state.get(ValueLayout.JAVA_INT, ERRNO_OFFSET) : result;
    }

    static void close(int fd) {
        call(SYS_close, fd, 0, 0, 0, 0, 0);
    }
}
