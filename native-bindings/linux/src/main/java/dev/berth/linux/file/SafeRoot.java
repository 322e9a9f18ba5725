package dev.berth.linux.file;

import dev.berth.linux.At;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.FileMode;
import dev.berth.linux.Files;
import dev.berth.linux.Open;
import dev.berth.linux.OpenHow;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Resolve;
import dev.berth.linux.Statx;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;

/**
 * A directory that is the root for every path given here, as if by {@code chroot(2)}: absolute paths and absolute links begin at it, {@code ..} stops at it, magic links of {@code
 * /proc} are not followed. Lookups are the kernel's own ({@code openat2(2)}, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), so a concurrent rename cannot lead one out.
 *
 * <p>Descriptors that come back belong to the caller and stay right whatever happens to the name. Thread: any, one at a time.
 */
public final class SafeRoot implements AutoCloseable {
    static final long IN_ROOT = Resolve.RESOLVE_IN_ROOT | Resolve.RESOLVE_NO_MAGICLINKS;

    private final Files files;
    private final Fd directory;
    private final @Nullable OwnedFd owned;

    private SafeRoot(Files files, Fd directory, @Nullable OwnedFd owned) {
        this.files = files;
        this.directory = directory;
        this.owned = owned;
    }

    /** A root over a directory (O_PATH or opened) that stays the caller's: closing the root does not close it. */
    public static SafeRoot over(Files files, Fd directory) {
        return new SafeRoot(files, directory, null);
    }

    /** A root that owns its directory. */
    public static SafeRoot owning(Files files, OwnedFd directory) {
        return new SafeRoot(files, directory, directory);
    }

    /** Opens a directory of ours as a root. {@code path} is a trusted host path, relative to {@code dir}: its links are followed. */
    public static SafeRoot open(Files files, Fd dir, String path) throws ErrnoException {
        return owning(files, files.openat(dir, path, Open.O_PATH | Open.O_DIRECTORY, 0));
    }

    /** The root directory itself. */
    public Fd directory() {
        return directory;
    }

    /** Opens what is at {@code path} with flags of {@code open(2)}, O_CLOEXEC added; links are followed inside the root unless O_NOFOLLOW says otherwise for the last one. */
    public OwnedFd open(String path, int flags, int mode) throws ErrnoException {
        // openat2(2), unlike open(2), refuses a mode without O_CREAT or O_TMPFILE.
        boolean creates = (flags & (Open.O_CREAT | (Open.O_TMPFILE & ~Open.O_DIRECTORY))) != 0;
        long how = Integer.toUnsignedLong(flags | Open.O_CLOEXEC);
        return files.openat2(directory, named(path), new OpenHow(how, creates ? mode : 0, IN_ROOT));
    }

    /** What {@code path} names, links followed, as an O_PATH descriptor; empty when there is nothing. */
    public Optional<OwnedFd> resolve(String path) throws ErrnoException {
        return lookUp(path, Open.O_PATH);
    }

    /** The same, but a link at the end is itself what is found. */
    public Optional<OwnedFd> resolveNoFollow(String path) throws ErrnoException {
        return lookUp(path, Open.O_PATH | Open.O_NOFOLLOW);
    }

    private Optional<OwnedFd> lookUp(String path, int flags) throws ErrnoException {
        try {
            return Optional.of(open(path, flags, 0));
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENOTDIR) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Attributes of what {@code path} names, a link at the end not followed; empty when there is nothing. */
    public Optional<Statx> statNoFollow(String path) throws ErrnoException {
        try (@Nullable OwnedFd found = resolveNoFollow(path).orElse(null)) {
            return found == null ? Optional.empty() : Optional.of(stat(files, found, path));
        }
    }

    /**
     * The directory at {@code path} as an O_PATH descriptor; whatever is missing on the way is made with {@code mode} (umask or not), {@code uid} and {@code gid}, step by step on held
     * descriptors. Links are followed inside the root, also those whose target does not exist yet. Existing directories are left as they are.
     *
     * @throws ErrnoException ENOTDIR when something on the way is no directory, ESTALE when a directory was exchanged just after it was made
     */
    public OwnedFd mkdirs(String path, int mode, int uid, int gid) throws ErrnoException {
        Optional<OwnedFd> existing = lookUp(path, Open.O_PATH | Open.O_DIRECTORY);
        if (existing.isPresent()) {
            return existing.get();
        }
        return new Walk(files, directory, path).directories(mode, uid, gid);
    }

    /**
     * What is at {@code path}, of whatever type, as an O_PATH descriptor; when there is nothing, an empty regular file is made there, with missing directories above it (0755). For the
     * targets of file mounts.
     */
    public OwnedFd ensureFile(String path, int mode, int uid, int gid) throws ErrnoException {
        Optional<OwnedFd> existing = resolve(path);
        if (existing.isPresent()) {
            return existing.get();
        }
        return new Walk(files, directory, path).file(mode, uid, gid);
    }

    /** Makes a new regular file and opens it for writing; EEXIST when there is anything of that name, a link included. Its owner is this process's user until the caller changes it. */
    public OwnedFd create(String path, int mode) throws ErrnoException {
        try (Parent parent = parent(path)) {
            int flags = Open.O_WRONLY | Open.O_CREAT | Open.O_EXCL | Open.O_NOFOLLOW;
            return files.openat(parent.directory(), parent.name(), flags, mode);
        }
    }

    /** The directory that holds the last component of {@code path}, with that component: for calls that make or remove a name without following it. */
    public Parent parent(String path) throws ErrnoException {
        String trimmed = path;
        while (trimmed.endsWith("/")) {
            trimmed = trimmed.substring(0, trimmed.length() - 1);
        }
        int slash = trimmed.lastIndexOf('/');
        String name = trimmed.substring(slash + 1);
        if (name.isEmpty() || name.equals(".") || name.equals("..")) {
            throw new ErrnoException("openat2", Errno.EINVAL, path + ": has no last component");
        }
        String above = slash <= 0 ? "." : trimmed.substring(0, slash);
        return new Parent(open(above, Open.O_PATH | Open.O_DIRECTORY, 0), name);
    }

    /**
     * The content of a regular file, at most {@code limitBytes} of it; empty when there is no such file.
     *
     * <p>Nothing but a regular file is ever opened, since opening a device or a FIFO has effects: the object is looked at through an O_PATH descriptor first and then opened through that
     * same descriptor. A link at the end is not followed.
     *
     * @throws ErrnoException ELOOP for a link, EINVAL for what is no regular file, EFBIG for more than the limit
     */
    public Optional<byte[]> readRegular(String path, int limitBytes) throws ErrnoException {
        try (@Nullable OwnedFd found = resolveNoFollow(path).orElse(null)) {
            if (found == null) {
                return Optional.empty();
            }
            Statx st = stat(files, found, path);
            if (st.isSymlink()) {
                throw new ErrnoException("openat2", Errno.ELOOP, path + ": is a symbolic link");
            }
            if (!st.isRegular()) {
                String type = Integer.toOctalString(st.mode() & FileMode.S_IFMT);
                throw new ErrnoException(
                        "openat2", Errno.EINVAL, path + ": no regular file, but type 0" + type);
            }
            if (st.sizeBytes() > limitBytes) {
                throw tooBig(path, limitBytes);
            }
            try (OwnedFd file = reopen(found, Open.O_RDONLY | Open.O_NONBLOCK)) {
                return Optional.of(readAll(file, path, limitBytes));
            }
        }
    }

    private byte[] readAll(Fd file, String path, int limitBytes) throws ErrnoException {
        byte[] content = new byte[0];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(Math.min(limitBytes + 1L, 64 * 1024));
            while (true) {
                int n = files.read(file, buffer);
                if (n <= 0) {
                    return content;
                }
                int old = content.length;
                if (old + (long) n > limitBytes) {
                    throw tooBig(path, limitBytes);
                }
                content = Arrays.copyOf(content, old + n);
                MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, content, old, n);
            }
        }
    }

    private static ErrnoException tooBig(String path, int limitBytes) {
        return new ErrnoException(
                "read", Errno.EFBIG, path + ": more than " + limitBytes + " bytes");
    }

    /** Opens the very object that an O_PATH descriptor stands for, by its entry in our own {@code /proc}. Look at its type first. */
    public OwnedFd reopen(Fd found, int flags) throws ErrnoException {
        return files.openat(Fd.CWD, "/proc/self/fd/" + found.number(), flags, 0);
    }

    /** Gives one name more to an existing file, never following a link at either end. */
    public void link(String existing, String added) throws ErrnoException {
        try (Parent from = parent(existing);
                Parent to = parent(added)) {
            files.linkat(from.directory(), from.name(), to.directory(), to.name(), 0);
        }
    }

    /** Removes one name that is no directory; false when there is none. */
    public boolean unlink(String path) throws ErrnoException {
        return change(path, parent -> files.unlinkat(parent.directory(), parent.name(), 0));
    }

    /** Removes whatever {@code path} names with everything below it, never following a link and never entering a mount; false when there is nothing. See {@link TreeRemoval}. */
    public boolean removeTree(String path) throws ErrnoException {
        return change(
                path, parent -> new TreeRemoval(files).remove(parent.directory(), parent.name()));
    }

    private boolean change(String path, Change change) throws ErrnoException {
        Parent parent;
        try {
            parent = parent(path);
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENOTDIR) {
                return false;
            }
            throw e;
        }
        try (parent) {
            return change.in(parent);
        }
    }

    private interface Change {
        boolean in(Parent parent) throws ErrnoException;
    }

    static Statx stat(Files files, Fd found, String path) throws ErrnoException {
        return files.statx(found, "", At.AT_EMPTY_PATH)
                .orElseThrow(() -> new ErrnoException("statx", Errno.ENOENT, path));
    }

    /** openat2(2) takes "" for nothing at all; in a root it is the root. */
    private static String named(String path) {
        return path.isEmpty() ? "." : path;
    }

    @Override
    public void close() {
        if (owned != null) {
            owned.close();
        }
    }

    /** An open directory (O_PATH) and the name of an entry in it, which may or may not exist. */
    public record Parent(OwnedFd directory, String name) implements AutoCloseable {
        @Override
        public void close() {
            directory.close();
        }
    }
}
