package dev.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** {@link Mounts} by system calls. */
final class SyscallMounts implements Mounts {
    static final SyscallMounts INSTANCE = new SyscallMounts();
    private static final int LOG_BYTES = 1024;

    private SyscallMounts() {}

    @Override
    public OwnedFd fsopen(String type) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.fsopen;
        try (Scratch s = Scratch.open()) {
            long r = Syscall.call(nr, s.cString(nr, type), MountFlags.FSOPEN_CLOEXEC);
            return new OwnedFd((int) Syscall.check(nr, r, type));
        }
    }

    @Override
    public void fsconfigString(Fd context, String key, String value) throws ErrnoException {
        try (Scratch s = Scratch.open()) {
            long text = s.cString(SyscallNumber.fsconfig, value);
            long r = fsconfig(s, context, MountFlags.FSCONFIG_SET_STRING, key, text, 0);
            if (r < 0) {
                throw configFailure(context, r, key + "=" + value);
            }
        }
    }

    @Override
    public void fsconfigFlag(Fd context, String key) throws ErrnoException {
        try (Scratch s = Scratch.open()) {
            long r = fsconfig(s, context, MountFlags.FSCONFIG_SET_FLAG, key, 0, 0);
            if (r < 0) {
                throw configFailure(context, r, key);
            }
        }
    }

    @Override
    public void fsconfigFd(Fd context, String key, Fd value) throws ErrnoException {
        try (Scratch s = Scratch.open()) {
            long r = fsconfig(s, context, MountFlags.FSCONFIG_SET_FD, key, 0, value.number());
            if (r < 0) {
                throw configFailure(context, r, key + "=fd " + value.number());
            }
        }
    }

    @Override
    public void fsconfigCreate(Fd context) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.fsconfig;
        long r = Syscall.call(nr, context.number(), MountFlags.FSCONFIG_CMD_CREATE, 0, 0, 0);
        if (r < 0) {
            throw configFailure(context, r, "create");
        }
    }

    @Override
    public void fsconfigReconfigure(Fd context) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.fsconfig;
        long r = Syscall.call(nr, context.number(), MountFlags.FSCONFIG_CMD_RECONFIGURE, 0, 0, 0);
        if (r < 0) {
            throw configFailure(context, r, "reconfigure");
        }
    }

    private static long fsconfig(
            Scratch s, Fd context, int command, String key, long value, long aux)
            throws ErrnoException {
        SyscallNumber nr = SyscallNumber.fsconfig;
        return Syscall.call(nr, context.number(), command, s.cString(nr, key), value, aux);
    }

    /** The errno alone seldom says which option was wrong: the context's log does. */
    private static ErrnoException configFailure(Fd context, long r, String what) {
        StringBuilder detail = new StringBuilder(what);
        try (Scratch s = Scratch.open()) {
            MemorySegment line = s.bytes(LOG_BYTES);
            while (true) {
                // Each read(2) of the context gives one message, ENODATA after the last.
                long n =
                        Syscall.call(
                                SyscallNumber.read, context.number(), line.address(), LOG_BYTES);
                if (n <= 0) {
                    break;
                }
                detail.append("; ")
                        .append(
                                PathBytes.decode(line.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE))
                                        .strip());
            }
        }
        return Syscall.failure(SyscallNumber.fsconfig, r, detail.toString());
    }

    @Override
    public OwnedFd fsmount(Fd context, long attributes) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.fsmount;
        long r = Syscall.call(nr, context.number(), MountFlags.FSMOUNT_CLOEXEC, attributes);
        if (r < 0) {
            throw Syscall.failure(nr, r, "attributes 0x" + Long.toHexString(attributes));
        }
        return new OwnedFd((int) r);
    }

    @Override
    public OwnedFd openTree(Fd dir, String path, int flags) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.open_tree;
        try (Scratch s = Scratch.open()) {
            long name = s.cString(nr, path);
            long r = Syscall.call(nr, dir.number(), name, flags | MountFlags.OPEN_TREE_CLOEXEC);
            return new OwnedFd((int) Syscall.check(nr, r, path));
        }
    }

    @Override
    public void moveMount(Fd from, String fromPath, Fd to, String toPath, int flags)
            throws ErrnoException {
        SyscallNumber nr = SyscallNumber.move_mount;
        try (Scratch s = Scratch.open()) {
            long source = s.cString(nr, fromPath);
            long target = s.cString(nr, toPath);
            long r = Syscall.call(nr, from.number(), source, to.number(), target, flags);
            if (r < 0) {
                throw Syscall.failure(nr, r, "'" + fromPath + "' to '" + toPath + "'");
            }
        }
    }

    @Override
    public void mountSetattr(
            Fd dir,
            String path,
            int flags,
            long set,
            long clear,
            long propagation,
            Optional<Fd> userns)
            throws ErrnoException {
        SyscallNumber nr = SyscallNumber.mount_setattr;
        try (Scratch s = Scratch.open()) {
            MemorySegment attr = s.struct(Abi.mount_attr.sizeof);
            attr.set(ValueLayout.JAVA_LONG, Abi.mount_attr.attr_set$offset, set);
            attr.set(ValueLayout.JAVA_LONG, Abi.mount_attr.attr_clr$offset, clear);
            attr.set(ValueLayout.JAVA_LONG, Abi.mount_attr.propagation$offset, propagation);
            if (userns.isPresent()) {
                long fd = userns.get().number();
                attr.set(ValueLayout.JAVA_LONG, Abi.mount_attr.userns_fd$offset, fd);
            }
            long name = s.cString(nr, path);
            long r =
                    Syscall.call(
                            nr, dir.number(), name, flags, attr.address(), Abi.mount_attr.sizeof);
            if (r < 0) {
                throw Syscall.failure(
                        nr,
                        r,
                        "'"
                                + path
                                + "', set 0x"
                                + Long.toHexString(set)
                                + ", clear 0x"
                                + Long.toHexString(clear)
                                + ", propagation 0x"
                                + Long.toHexString(propagation));
            }
        }
    }

    @Override
    public void mount(String source, String target, String type, long flags, String data)
            throws ErrnoException {
        SyscallNumber nr = SyscallNumber.mount;
        try (Scratch s = Scratch.open()) {
            long from = s.cString(nr, source);
            long to = s.cString(nr, target);
            long fs = s.cString(nr, type);
            // The kernel copies a whole page from here, as far as it is mapped: give it one, so
            // that it never reads what lies behind a short string.
            long options = data.isEmpty() ? 0 : options(s, nr, data);
            long r = Syscall.call(nr, from, to, fs, flags, options);
            if (r < 0) {
                throw Syscall.failure(nr, r, type + " on " + target + ", '" + data + "'");
            }
        }
    }

    private static long options(Scratch s, SyscallNumber nr, String data) throws ErrnoException {
        byte[] bytes = PathBytes.encode(data);
        if (bytes.length >= 4096) {
            throw new ErrnoException(
                    nr.name(), Errno.EINVAL, bytes.length + " bytes of options, at most 4095");
        }
        MemorySegment page = s.struct(4096);
        MemorySegment.copy(bytes, 0, page, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return page.address();
    }

    @Override
    public boolean umount2(String target, int flags) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.umount2;
        try (Scratch s = Scratch.open()) {
            long r = Syscall.call(nr, s.cString(nr, target), flags);
            if (Syscall.is(r, Errno.EINVAL) || Syscall.is(r, Errno.ENOENT)) {
                return false;
            }
            Syscall.check(nr, r, target);
            return true;
        }
    }
}
