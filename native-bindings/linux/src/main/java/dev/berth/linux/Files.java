package dev.berth.linux;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Files, directories, descriptors, inotify and memfd. Paths are relative to {@code dir}; no method follows a trailing link unless its flags say so. */
public interface Files {
    /** {@code openat2(2)}. A scoped lookup that a concurrent rename disturbed (EAGAIN) is tried again, up to a thousand times. */
    OwnedFd openat2(Fd dir, String path, OpenHow how) throws ErrnoException;

    /** {@code openat(2)}; O_CLOEXEC is always added. */
    OwnedFd openat(Fd dir, String path, int flags, int mode) throws ErrnoException;

    /** {@code mkdirat(2)}; false when the name exists already (EEXIST). */
    boolean mkdirat(Fd dir, String path, int mode) throws ErrnoException;

    /** {@code mknodat(2)}; {@code mode} includes the type; {@code device} as {@code makedev(3)}, see {@link Statx#makedev}. */
    void mknodat(Fd dir, String path, int mode, long device) throws ErrnoException;

    void symlinkat(String target, Fd dir, String path) throws ErrnoException;

    /** {@code linkat(2)}; flags AT_EMPTY_PATH or 0. */
    void linkat(Fd oldDir, String oldPath, Fd newDir, String newPath, int flags)
            throws ErrnoException;

    /** {@code unlinkat(2)}; false when there is nothing of that name (ENOENT). */
    boolean unlinkat(Fd dir, String path, int flags) throws ErrnoException;

    void renameat2(Fd oldDir, String oldPath, Fd newDir, String newPath, int flags)
            throws ErrnoException;

    String readlinkat(Fd dir, String path) throws ErrnoException;

    /** {@code statx(2)}; empty when the path does not exist (ENOENT, ENOTDIR). */
    Optional<Statx> statx(Fd dir, String path, int flags) throws ErrnoException;

    void fchownat(Fd dir, String path, int uid, int gid, int flags) throws ErrnoException;

    /** {@code fchmodat(2)}: follows links; open with O_PATH first and pass {@code /proc/self/fd/N} where that matters. */
    void fchmodat(Fd dir, String path, int mode) throws ErrnoException;

    void fchmod(Fd fd, int mode) throws ErrnoException;

    /** {@code utimensat(2)} with AT_SYMLINK_NOFOLLOW; sets atime and mtime alike. */
    void utimensat(Fd dir, String path, long seconds, int nanoseconds) throws ErrnoException;

    /** {@code fsetxattr(2)}. */
    void fsetxattr(Fd fd, String name, byte[] value) throws ErrnoException;

    /** {@code lsetxattr(2)} on an entry of {@code dir} (through {@code /proc/self/fd/N/name}): for links and device nodes, which cannot be opened. */
    void lsetxattr(Fd dir, String name, String attribute, byte[] value) throws ErrnoException;

    /** {@code lgetxattr(2)}, as {@link #lsetxattr}; empty for ENODATA. */
    Optional<byte[]> lgetxattr(Fd dir, String name, String attribute) throws ErrnoException;

    /** {@code getdents64(2)} until the end; neither {@code .} nor {@code ..}; the order is the kernel's. */
    List<DirEntry> list(Fd directory) throws ErrnoException;

    /** One {@code getdents64(2)} from where the last one ended: some entries, none at the end. For directories that may hold millions. {@code lseek(directory, 0, 0)} starts over. */
    List<DirEntry> listSome(Fd directory) throws ErrnoException;

    /** {@code fstatfs(2)}: the file system's magic number. */
    long fstatfsMagic(Fd fd) throws ErrnoException;

    /** {@code read(2)}: bytes read, 0 at the end, -1 when it would block (EAGAIN). */
    int read(Fd fd, MemorySegment target) throws ErrnoException;

    /** {@code pread(2)}. */
    int pread(Fd fd, MemorySegment target, long offset) throws ErrnoException;

    /** {@code write(2)}: bytes written, -1 when it would block (EAGAIN). */
    int write(Fd fd, MemorySegment source) throws ErrnoException;

    /** Writes all of it to a blocking descriptor. */
    void writeAll(Fd fd, byte[] bytes) throws ErrnoException;

    /** Opens, reads at most {@code limitBytes}, closes; longer content is an EFBIG failure. Kernel files report size 0, so this reads to the end. */
    byte[] readFile(Fd dir, String path, int limitBytes) throws ErrnoException;

    /** Opens (O_WRONLY, no O_CREAT), writes the value in one write, closes: for cgroup and proc files. The failure's detail names the path and the value. */
    void writeFile(Fd dir, String path, String value) throws ErrnoException;

    void fsync(Fd fd) throws ErrnoException;

    void fdatasync(Fd fd) throws ErrnoException;

    /** {@code syncfs(2)}. */
    void syncfs(Fd fd) throws ErrnoException;

    void ftruncate(Fd fd, long lengthBytes) throws ErrnoException;

    long lseek(Fd fd, long offset, int whence) throws ErrnoException;

    /** {@code flock(2)} LOCK_EX | LOCK_NB; false when another open file description holds it. */
    boolean tryLock(Fd fd) throws ErrnoException;

    /** {@code memfd_create(2)}; MFD_CLOEXEC is always added. */
    OwnedFd memfdCreate(String name, int flags) throws ErrnoException;

    /** {@code fcntl(2)} F_ADD_SEALS. */
    void addSeals(Fd memfd, int seals) throws ErrnoException;

    /** {@code fcntl(2)} F_DUPFD_CLOEXEC. */
    OwnedFd duplicate(Fd fd) throws ErrnoException;

    void setNonBlocking(Fd fd, boolean on) throws ErrnoException;

    /** {@code pipe2(2)} with O_CLOEXEC: index 0 is the read end. */
    OwnedFd[] pipe2(int flags) throws ErrnoException;

    /** {@code eventfd(2)} with EFD_CLOEXEC | EFD_NONBLOCK. */
    OwnedFd eventfd() throws ErrnoException;

    OwnedFd inotifyInit() throws ErrnoException;

    /** {@code inotify_add_watch(2)} on what {@code path} names below {@code dir}: the watch descriptor. */
    int inotifyAddWatch(Fd inotify, Fd dir, String path, int mask) throws ErrnoException;

    void inotifyRemoveWatch(Fd inotify, int watch) throws ErrnoException;

    /** The descriptors that this process holds open now, for leak checks: number to link text of {@code /proc/self/fd}. */
    Map<Integer, String> openDescriptors() throws ErrnoException;
}
