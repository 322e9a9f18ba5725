package dev.berth.linux;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/**
 * Native memory of one thread for the arguments of its calls: a stack that is reused call after call, so that a hot call allocates nothing. What does not fit lies in an arena that
 * lives until the outermost {@link #close}.
 *
 * <p>Memory is not cleared; a struct comes from {@link #struct}, which does.
 */
final class Scratch implements AutoCloseable {
    static final int EINTR = 4;
    static final long ERRNO_OFFSET;
    private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
    private static final long BYTES = 64 * 1024;
    private static final int MAX_DEPTH = 8;

    static {
        ERRNO_OFFSET = CAPTURE.byteOffset(MemoryLayout.PathElement.groupElement("errno"));
    }

    // A subclass rather than withInitial: the first lambda of a JVM costs milliseconds.
    private static final ThreadLocal<Scratch> CURRENT =
            new ThreadLocal<>() {
                @Override
                protected Scratch initialValue() {
                    return new Scratch();
                }
            };

    private final MemorySegment capture;
    private final MemorySegment memory;
    private final long[] marks = new long[MAX_DEPTH];
    private int depth;
    private long used;
    private @Nullable Arena overflow;

    private Scratch() {
        Arena arena = Arena.ofAuto();
        capture = arena.allocate(CAPTURE);
        memory = arena.allocate(BYTES, 16);
    }

    /** Begins a use of this thread's memory; closing it frees what was allocated since. */
    static Scratch open() {
        Scratch scratch = CURRENT.get();
        scratch.marks[scratch.depth++] = scratch.used;
        return scratch;
    }

    /** Where this thread's downcalls leave errno. */
    static MemorySegment capture() {
        return CURRENT.get().capture;
    }

    /** Uninitialized memory, aligned to 16 bytes. */
    MemorySegment bytes(long size) {
        long at = (used + 15) & ~15L;
        if (at + size > BYTES) {
            if (overflow == null) {
                overflow = Arena.ofConfined();
            }
            return overflow.allocate(Math.max(size, 1), 16);
        }
        used = at + size;
        return memory.asSlice(at, size);
    }

    /** Zeroed memory. */
    MemorySegment struct(long size) {
        return bytes(size).fill((byte) 0);
    }

    /** The address of a NUL-terminated path or string; one that holds a NUL itself is EINVAL, as no file can have such a name. */
    long cString(SyscallNumber nr, String text) throws ErrnoException {
        int length = text.length();
        MemorySegment target = bytes(length + 1L);
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            if (c == 0) {
                throw new ErrnoException(
                        nr.name(), Errno.EINVAL, text.replace("\0", "\\0") + ": holds a NUL");
            }
            if (c >= 0x80) {
                return encoded(nr, text);
            }
            target.set(ValueLayout.JAVA_BYTE, i, (byte) c);
        }
        target.set(ValueLayout.JAVA_BYTE, length, (byte) 0);
        return target.address();
    }

    private long encoded(SyscallNumber nr, String text) throws ErrnoException {
        byte[] encoded = PathBytes.encode(text);
        MemorySegment target = bytes(encoded.length + 1L);
        for (int i = 0; i < encoded.length; i++) {
            if (encoded[i] == 0) {
                throw new ErrnoException(
                        nr.name(), Errno.EINVAL, text.replace("\0", "\\0") + ": holds a NUL");
            }
            target.set(ValueLayout.JAVA_BYTE, i, encoded[i]);
        }
        target.set(ValueLayout.JAVA_BYTE, encoded.length, (byte) 0);
        return target.address();
    }

    /** The address of a copy of {@code bytes}. */
    long copy(byte[] bytes) {
        MemorySegment target = bytes(bytes.length);
        MemorySegment.copy(bytes, 0, target, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return target.address();
    }

    /** The address of a caller's buffer; it must be native memory that is still alive. */
    static long address(MemorySegment segment) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException(
                    "a system call needs native memory, not a heap segment: " + segment);
        }
        if (!segment.scope().isAlive()) {
            throw new IllegalStateException("the segment's arena is closed: " + segment);
        }
        return segment.address();
    }

    @Override
    public void close() {
        used = marks[--depth];
        if (depth == 0 && overflow != null) {
            overflow.close();
            overflow = null;
        }
    }
}
