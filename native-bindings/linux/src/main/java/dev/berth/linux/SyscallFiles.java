package dev.berth.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** {@link Files} by system calls. */
final class SyscallFiles implements Files {
    static final SyscallFiles INSTANCE = new SyscallFiles();
    private static final int CHUNK = 32 * 1024;
    private static final int PATH_MAX = 4096;
    private static final long SCOPED = Resolve.RESOLVE_IN_ROOT | Resolve.RESOLVE_BENEATH;
    private static final int SCOPED_ATTEMPTS = 1000;

    private SyscallFiles() {}

    @Override
    public OwnedFd openat2(Fd dir, String path, OpenHow how) throws ErrnoException {
        try (Scratch s = Scratch.open()) {
            MemorySegment open_how = s.struct(Abi.open_how.sizeof);
            open_how.set(ValueLayout.JAVA_LONG, Abi.open_how.flags$offset, how.flags());
            open_how.set(ValueLayout.JAVA_LONG, Abi.open_how.mode$offset, how.mode());
            open_how.set(ValueLayout.JAVA_LONG, Abi.open_how.resolve$offset, how.resolve());
            SyscallNumber nr = SyscallNumber.openat2;
            long name = s.cString(nr, path);
            int at = dir.number();
            long r;
            int attempts = 0;
            do {
                r = Syscall.call(nr, at, name, open_how.address(), Abi.open_how.sizeof);
                // A scoped lookup that met ".." while anything was renamed or mounted says
                // EAGAIN, and openat2(2) asks for another try.
            } while (Syscall.is(r, Errno.EAGAIN)
                    && (how.resolve() & SCOPED) != 0
                    && ++attempts < SCOPED_ATTEMPTS);
            return new OwnedFd((int) Syscall.check(nr, r, path));
        }
    }

    @Override
    public OwnedFd openat(Fd dir, String path, int flags, int mode) throws ErrnoException {
        try (Scratch s = Scratch.open()) {
            SyscallNumber nr = SyscallNumber.openat;
            long name = s.cString(nr, path);
            long r = Syscall.call(nr, dir.number(), name, flags | Open.O_CLOEXEC, mode);
            return new OwnedFd((int) Syscall.check(nr, r, path));
        }
    }

    @Override
    public boolean mkdirat(Fd dir, String path, int mode) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.mkdirat;
        try (Scratch s = Scratch.open()) {
            long r = Syscall.call(nr, dir.number(), s.cString(nr, path), mode);
            if (Syscall.is(r, Errno.EEXIST)) {
                return false;
            }
            Syscall.check(nr, r, path);
            return true;
        }
    }

    @Override
    public void mknodat(Fd dir, String path, int mode, long device) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.mknodat;
        try (Scratch s = Scratch.open()) {
            // The call takes 32 bits of device number; makedev(3) agrees with them for every
            // number that the kernel has (12 bits of major, 20 of minor).
            long r = Syscall.call(nr, dir.number(), s.cString(nr, path), mode, device);
            if (r < 0) {
                throw Syscall.failure(nr, r, path + ", mode 0" + Integer.toOctalString(mode));
            }
        }
    }

    @Override
    public void symlinkat(String target, Fd dir, String path) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.symlinkat;
        try (Scratch s = Scratch.open()) {
            long r = Syscall.call(nr, s.cString(nr, target), dir.number(), s.cString(nr, path));
            if (r < 0) {
                throw Syscall.failure(nr, r, path + " -> " + target);
            }
        }
    }

    @Override
    public void linkat(Fd oldDir, String oldPath, Fd newDir, String newPath, int flags)
            throws ErrnoException {
        SyscallNumber nr = SyscallNumber.linkat;
        try (Scratch s = Scratch.open()) {
            long from = s.cString(nr, oldPath);
            long to = s.cString(nr, newPath);
            long r = Syscall.call(nr, oldDir.number(), from, newDir.number(), to, flags);
            if (r < 0) {
                throw Syscall.failure(nr, r, oldPath + ", " + newPath);
            }
        }
    }

    @Override
    public boolean unlinkat(Fd dir, String path, int flags) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.unlinkat;
        try (Scratch s = Scratch.open()) {
            long r = Syscall.call(nr, dir.number(), s.cString(nr, path), flags);
            if (Syscall.is(r, Errno.ENOENT)) {
                return false;
            }
            Syscall.check(nr, r, path);
            return true;
        }
    }

    @Override
    public void renameat2(Fd oldDir, String oldPath, Fd newDir, String newPath, int flags)
            throws ErrnoException {
        SyscallNumber nr = SyscallNumber.renameat2;
        try (Scratch s = Scratch.open()) {
            long from = s.cString(nr, oldPath);
            long to = s.cString(nr, newPath);
            long r = Syscall.call(nr, oldDir.number(), from, newDir.number(), to, flags);
            if (r < 0) {
                throw Syscall.failure(nr, r, oldPath + ", " + newPath);
            }
        }
    }

    @Override
    public String readlinkat(Fd dir, String path) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.readlinkat;
        try (Scratch s = Scratch.open()) {
            MemorySegment text = s.bytes(PATH_MAX);
            long name = s.cString(nr, path);
            long r = Syscall.call(nr, dir.number(), name, text.address(), PATH_MAX);
            Syscall.check(nr, r, path);
            return PathBytes.decode(text.asSlice(0, r).toArray(ValueLayout.JAVA_BYTE));
        }
    }

    @Override
    public Optional<Statx> statx(Fd dir, String path, int flags) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.statx;
        try (Scratch s = Scratch.open()) {
            MemorySegment st = s.struct(Abi.statx.sizeof);
            int mask = Abi.STATX_BASIC_STATS | Abi.STATX_MNT_ID | Abi.STATX_MNT_ID_UNIQUE;
            long name = s.cString(nr, path);
            long r = Syscall.call(nr, dir.number(), name, flags, mask, st.address());
            if (Syscall.is(r, Errno.ENOENT) || Syscall.is(r, Errno.ENOTDIR)) {
                return Optional.empty();
            }
            Syscall.check(nr, r, path);
            return Optional.of(
                    new Statx(
                            st.get(ValueLayout.JAVA_SHORT, Abi.statx.stx_mode$offset) & 0xffff,
                            st.get(ValueLayout.JAVA_INT, Abi.statx.stx_uid$offset),
                            st.get(ValueLayout.JAVA_INT, Abi.statx.stx_gid$offset),
                            st.get(ValueLayout.JAVA_INT, Abi.statx.stx_nlink$offset),
                            st.get(ValueLayout.JAVA_LONG, Abi.statx.stx_ino$offset),
                            st.get(ValueLayout.JAVA_LONG, Abi.statx.stx_size$offset),
                            st.get(ValueLayout.JAVA_LONG, Abi.statx.stx_blocks$offset),
                            Statx.makedev(
                                    st.get(ValueLayout.JAVA_INT, Abi.statx.stx_dev_major$offset),
                                    st.get(ValueLayout.JAVA_INT, Abi.statx.stx_dev_minor$offset)),
                            Statx.makedev(
                                    st.get(ValueLayout.JAVA_INT, Abi.statx.stx_rdev_major$offset),
                                    st.get(ValueLayout.JAVA_INT, Abi.statx.stx_rdev_minor$offset)),
                            nanos(st),
                            st.get(ValueLayout.JAVA_LONG, Abi.statx.stx_mnt_id$offset)));
        }
    }

    private static long nanos(MemorySegment st) {
        long at = Abi.statx.stx_mtime$offset;
        return st.get(ValueLayout.JAVA_LONG, at + Abi.statx_timestamp.tv_sec$offset)
                        * 1_000_000_000L
                + st.get(ValueLayout.JAVA_INT, at + Abi.statx_timestamp.tv_nsec$offset);
    }

    @Override
    public void fchownat(Fd dir, String path, int uid, int gid, int flags) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.fchownat;
        try (Scratch s = Scratch.open()) {
            long r = Syscall.call(nr, dir.number(), s.cString(nr, path), uid, gid, flags);
            if (r < 0) {
                throw Syscall.failure(nr, r, path + ", " + uid + ":" + gid);
            }
        }
    }

    @Override
    public void fchmodat(Fd dir, String path, int mode) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.fchmodat;
        try (Scratch s = Scratch.open()) {
            long r = Syscall.call(nr, dir.number(), s.cString(nr, path), mode);
            if (r < 0) {
                throw Syscall.failure(nr, r, path + ", mode 0" + Integer.toOctalString(mode));
            }
        }
    }

    @Override
    public void utimensat(Fd dir, String path, long seconds, int nanoseconds)
            throws ErrnoException {
        SyscallNumber nr = SyscallNumber.utimensat;
        try (Scratch s = Scratch.open()) {
            MemorySegment times = s.struct(2L * Abi.timespec.sizeof);
            for (long at = 0; at < times.byteSize(); at += Abi.timespec.sizeof) {
                times.set(ValueLayout.JAVA_LONG, at + Abi.timespec.tv_sec$offset, seconds);
                times.set(ValueLayout.JAVA_LONG, at + Abi.timespec.tv_nsec$offset, nanoseconds);
            }
            long name = s.cString(nr, path);
            long r = Syscall.call(nr, dir.number(), name, times.address(), At.AT_SYMLINK_NOFOLLOW);
            Syscall.check(nr, r, path);
        }
    }

    @Override
    public void fsetxattr(Fd fd, String name, byte[] value) throws ErrnoException {
        Xattrs.set(fd, name, value);
    }

    @Override
    public void lsetxattr(Fd dir, String name, String attribute, byte[] value)
            throws ErrnoException {
        Xattrs.set(dir, name, attribute, value);
    }

    @Override
    public Optional<byte[]> lgetxattr(Fd dir, String name, String attribute) throws ErrnoException {
        return Xattrs.get(dir, name, attribute);
    }

    /** A path to an entry of an open directory for calls that take no directory descriptor. */
    static String below(Fd dir, String name) {
        if (dir.number() == At.AT_FDCWD || name.startsWith("/")) {
            return name;
        }
        String directory = "/proc/self/fd/".concat(Integer.toString(dir.number()));
        return name.isEmpty() ? directory : directory.concat("/").concat(name);
    }

    @Override
    public List<DirEntry> list(Fd directory) throws ErrnoException {
        List<DirEntry> entries = new ArrayList<>();
        lseek(directory, 0, 0);
        while (readEntries(directory, entries)) {
            // until the end
        }
        return entries;
    }

    @Override
    public List<DirEntry> listSome(Fd directory) throws ErrnoException {
        List<DirEntry> entries = new ArrayList<>();
        // One call may give nothing but "." and "..".
        while (entries.isEmpty() && readEntries(directory, entries)) {
            // until there is something
        }
        return entries;
    }

    /** False at the end. */
    private static boolean readEntries(Fd directory, List<DirEntry> entries) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.getdents64;
        try (Scratch s = Scratch.open()) {
            MemorySegment buffer = s.bytes(CHUNK);
            long r = Syscall.call(nr, directory.number(), buffer.address(), CHUNK);
            if (r < 0) {
                throw Syscall.failure(nr, r, Descriptors.name(directory));
            }
            for (long at = 0; at < r; ) {
                at = entry(buffer, at, entries);
            }
            return r > 0;
        }
    }

    private static long entry(MemorySegment buffer, long at, List<DirEntry> entries) {
        long inode = buffer.get(ValueLayout.JAVA_LONG, at + Abi.linux_dirent64.d_ino$offset);
        int length =
                buffer.get(ValueLayout.JAVA_SHORT, at + Abi.linux_dirent64.d_reclen$offset)
                        & 0xffff;
        int type = buffer.get(ValueLayout.JAVA_BYTE, at + Abi.linux_dirent64.d_type$offset);
        byte[] record =
                buffer.asSlice(
                                at + Abi.linux_dirent64.d_name$offset,
                                length - Abi.linux_dirent64.d_name$offset)
                        .toArray(ValueLayout.JAVA_BYTE);
        int end = 0;
        while (record[end] != 0) {
            end++;
        }
        String name = PathBytes.decode(Arrays.copyOf(record, end));
        if (!name.equals(".") && !name.equals("..")) {
            entries.add(new DirEntry(name, inode, type));
        }
        return at + length;
    }

    @Override
    public byte[] readFile(Fd dir, String path, int limitBytes) throws ErrnoException {
        try (OwnedFd fd = openat(dir, path, Open.O_RDONLY | Open.O_NOCTTY | Open.O_NOFOLLOW, 0);
                Scratch s = Scratch.open()) {
            MemorySegment buffer = s.bytes(CHUNK);
            byte[] content = new byte[0];
            while (true) {
                SyscallNumber nr = SyscallNumber.read;
                long r = Syscall.call(nr, fd.number(), buffer.address(), CHUNK);
                Syscall.check(nr, r, path);
                if (r == 0) {
                    return content;
                }
                if (content.length + r > limitBytes) {
                    throw new ErrnoException(
                            nr.name(), Errno.EFBIG, path + ": more than " + limitBytes + " bytes");
                }
                int old = content.length;
                content = Arrays.copyOf(content, old + (int) r);
                MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, content, old, (int) r);
            }
        }
    }

    @Override
    public void writeFile(Fd dir, String path, String value) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.write;
        try (OwnedFd fd = openat(dir, path, Open.O_WRONLY | Open.O_NOCTTY | Open.O_NOFOLLOW, 0);
                Scratch s = Scratch.open()) {
            byte[] bytes = PathBytes.encode(value);
            long r = Syscall.call(nr, fd.number(), s.copy(bytes), bytes.length);
            if (r < 0) {
                throw Syscall.failure(nr, r, path + ", '" + value + "'");
            }
            if (r < bytes.length) {
                throw new ErrnoException(
                        nr.name(),
                        Errno.EIO,
                        path + ", '" + value + "': took only " + r + " bytes");
            }
        }
    }

    @Override
    public OwnedFd memfdCreate(String name, int flags) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.memfd_create;
        try (Scratch s = Scratch.open()) {
            long r = Syscall.call(nr, s.cString(nr, name), flags | Memfd.MFD_CLOEXEC);
            return new OwnedFd((int) Syscall.check(nr, r, name));
        }
    }

    @Override
    public int inotifyAddWatch(Fd inotify, Fd dir, String path, int mask) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.inotify_add_watch;
        try (Scratch s = Scratch.open()) {
            long name = s.cString(nr, below(dir, path));
            return (int) Syscall.check(nr, Syscall.call(nr, inotify.number(), name, mask), path);
        }
    }

    @Override
    public Map<Integer, String> openDescriptors() throws ErrnoException {
        Map<Integer, String> open = new TreeMap<>();
        try (OwnedFd dir = openat(Fd.CWD, "/proc/self/fd", Open.O_RDONLY | Open.O_DIRECTORY, 0)) {
            for (DirEntry entry : list(dir)) {
                int number = Integer.parseInt(entry.name());
                if (number != dir.number()) {
                    try {
                        open.put(number, readlinkat(dir, entry.name()));
                    } catch (ErrnoException e) {
                        // Another thread closed it since the listing.
                        if (e.errno() != Errno.ENOENT) {
                            throw e;
                        }
                    }
                }
            }
        }
        return open;
    }

    @Override
    public int read(Fd fd, MemorySegment target) throws ErrnoException {
        return Descriptors.read(SyscallNumber.read, fd, target, 0);
    }

    @Override
    public int pread(Fd fd, MemorySegment target, long offset) throws ErrnoException {
        return Descriptors.read(SyscallNumber.pread64, fd, target, offset);
    }

    @Override
    public int write(Fd fd, MemorySegment source) throws ErrnoException {
        return Descriptors.write(fd, source);
    }

    @Override
    public void writeAll(Fd fd, byte[] bytes) throws ErrnoException {
        Descriptors.writeAll(fd, bytes);
    }

    @Override
    public void fchmod(Fd fd, int mode) throws ErrnoException {
        Descriptors.simple(SyscallNumber.fchmod, fd, mode);
    }

    @Override
    public long fstatfsMagic(Fd fd) throws ErrnoException {
        return Descriptors.fstatfsMagic(fd);
    }

    @Override
    public void fsync(Fd fd) throws ErrnoException {
        Descriptors.simple(SyscallNumber.fsync, fd, 0);
    }

    @Override
    public void fdatasync(Fd fd) throws ErrnoException {
        Descriptors.simple(SyscallNumber.fdatasync, fd, 0);
    }

    @Override
    public void syncfs(Fd fd) throws ErrnoException {
        Descriptors.simple(SyscallNumber.syncfs, fd, 0);
    }

    @Override
    public void ftruncate(Fd fd, long lengthBytes) throws ErrnoException {
        Descriptors.simple(SyscallNumber.ftruncate, fd, lengthBytes);
    }

    @Override
    public long lseek(Fd fd, long offset, int whence) throws ErrnoException {
        SyscallNumber nr = SyscallNumber.lseek;
        long r = Syscall.call(nr, fd.number(), offset, whence);
        return r < 0 ? Syscall.check(nr, r, Descriptors.name(fd)) : r;
    }

    @Override
    public boolean tryLock(Fd fd) throws ErrnoException {
        return Descriptors.tryLock(fd);
    }

    @Override
    public void addSeals(Fd memfd, int seals) throws ErrnoException {
        Descriptors.fcntl(memfd, Abi.F_ADD_SEALS, seals);
    }

    @Override
    public OwnedFd duplicate(Fd fd) throws ErrnoException {
        return new OwnedFd((int) Descriptors.fcntl(fd, Abi.F_DUPFD_CLOEXEC, 0));
    }

    @Override
    public void setNonBlocking(Fd fd, boolean on) throws ErrnoException {
        long flags = Descriptors.fcntl(fd, Abi.F_GETFL, 0);
        long wanted = on ? flags | Open.O_NONBLOCK : flags & ~Open.O_NONBLOCK;
        if (wanted != flags) {
            Descriptors.fcntl(fd, Abi.F_SETFL, wanted);
        }
    }

    @Override
    public OwnedFd[] pipe2(int flags) throws ErrnoException {
        return Descriptors.pipe2(flags);
    }

    @Override
    public OwnedFd eventfd() throws ErrnoException {
        SyscallNumber nr = SyscallNumber.eventfd2;
        long r = Syscall.call(nr, 0, Abi.EFD_CLOEXEC | Abi.EFD_NONBLOCK);
        return new OwnedFd((int) Syscall.check(nr, r, ""));
    }

    @Override
    public OwnedFd inotifyInit() throws ErrnoException {
        SyscallNumber nr = SyscallNumber.inotify_init1;
        long r = Syscall.call(nr, Abi.IN_CLOEXEC | Abi.IN_NONBLOCK);
        return new OwnedFd((int) Syscall.check(nr, r, ""));
    }

    @Override
    public void inotifyRemoveWatch(Fd inotify, int watch) throws ErrnoException {
        Descriptors.simple(SyscallNumber.inotify_rm_watch, inotify, watch);
    }
}
