package dev.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** The calls of {@link SyscallFiles} on extended attributes ({@code xattr(7)}). */
final class Xattrs {
    private Xattrs() {}

    static void set(Fd fd, String name, byte[] value) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.fsetxattr;
        try (Scratch s = Scratch.open()) {
            long attribute = s.cString(nr, name);
            long r = Syscall.call(nr, fd.number(), attribute, s.copy(value), value.length, 0);
            Syscall.check(nr, r, name);
        }
    }

    static void set(Fd dir, String name, String attribute, byte[] value) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.lsetxattr;
        try (Scratch s = Scratch.open()) {
            long path = s.cString(nr, SyscallFiles.below(dir, name));
            long r =
                    Syscall.call(
                            nr, path, s.cString(nr, attribute), s.copy(value), value.length, 0);
            if (r < 0) {
                throw Syscall.failure(nr, r, name + ", " + attribute);
            }
        }
    }

    static Optional<byte[]> get(Fd dir, String name, String attribute) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.lgetxattr;
        // XATTR_SIZE_MAX, so that one call is enough and none races with a change of size.
        int max = 64 * 1024;
        try (Scratch s = Scratch.open()) {
            long path = s.cString(nr, SyscallFiles.below(dir, name));
            long key = s.cString(nr, attribute);
            MemorySegment value = s.bytes(max);
            long r = Syscall.call(nr, path, key, value.address(), max);
            if (Syscall.is(r, Errno.ENODATA)) {
                return Optional.empty();
            }
            if (r < 0) {
                throw Syscall.failure(nr, r, name + ", " + attribute);
            }
            return Optional.of(value.asSlice(0, r).toArray(ValueLayout.JAVA_BYTE));
        }
    }
}
