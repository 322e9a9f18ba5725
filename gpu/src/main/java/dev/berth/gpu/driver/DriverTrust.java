package dev.berth.gpu.driver;

import dev.berth.linux.At;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.FileMode;
import dev.berth.linux.Files;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Statx;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Whether a file of the driver, or one that says what containers are given, is the administrator's alone: what runs in every container must be nobody else's to change. The file and every directory above it, up to the root of the host, must belong to root and be
 * writable for no group and no others; a sticky directory may be, since in it nobody can exchange another's file.
 *
 * <p>Thread: one.
 */
public final class DriverTrust {
    private static final int WRITABLE = 022;

    private final Files files;
    private final Set<Integer> owners;
    private final Map<String, Optional<String>> directories = new HashMap<>();

    /** @param owners user ids that may own driver files: 0, and in tests who runs them */
    public DriverTrust(Files files, Set<Integer> owners) {
        this.files = files;
        this.owners = Set.copyOf(owners);
    }

    /** The path that an open object has on the host now. */
    public String path(Fd found) throws ErrnoException {
        return files.readlinkat(Fd.CWD, "/proc/self/fd/" + found.number());
    }

    /** Why the object is not trusted, with what to do; empty when it is. */
    public Optional<String> objection(Fd found, String path) throws ErrnoException {
        Statx st = files.statx(found, "", At.AT_EMPTY_PATH).orElseThrow();
        Optional<String> own = objection(path, st, WRITABLE);
        if (own.isPresent()) {
            return own;
        }
        if (!path.startsWith("/")) {
            return Optional.of(path + " has no path on this host");
        }
        int slash = path.lastIndexOf('/');
        String above = slash == 0 ? "/" : path.substring(0, slash);
        Optional<String> parents = directory(above);
        if (parents.isPresent()) {
            return parents;
        }
        try (OwnedFd directory = openDirectory(above)) {
            Optional<Statx> named =
                    files.statx(directory, path.substring(slash + 1), At.AT_SYMLINK_NOFOLLOW);
            boolean same =
                    named.isPresent()
                            && named.get().inode() == st.inode()
                            && named.get().device() == st.device();
            return same ? Optional.empty() : Optional.of(path + " was replaced meanwhile");
        }
    }

    private OwnedFd openDirectory(String path) throws ErrnoException {
        return files.openat(Fd.CWD, path, Open.O_PATH | Open.O_DIRECTORY | Open.O_NOFOLLOW, 0);
    }

    /** The directory and all above it; asked once for each. */
    private Optional<String> directory(String path) throws ErrnoException {
        Optional<String> known = directories.get(path);
        if (known != null) {
            return known;
        }
        Optional<String> objection = Optional.empty();
        if (!path.equals("/")) {
            int slash = path.lastIndexOf('/');
            objection = directory(slash == 0 ? "/" : path.substring(0, slash));
        }
        if (objection.isEmpty()) {
            try (OwnedFd directory = openDirectory(path)) {
                Statx st = files.statx(directory, "", At.AT_EMPTY_PATH).orElseThrow();
                boolean sticky = (st.mode() & FileMode.S_ISVTX) != 0;
                objection = objection(path, st, sticky ? 0 : WRITABLE);
            }
        }
        directories.put(path, objection);
        return objection;
    }

    private Optional<String> objection(String path, Statx st, int forbidden) {
        if (!owners.contains(st.uid())) {
            return Optional.of(
                    path + " belongs to user " + st.uid() + ", not to root: chown root " + path);
        }
        if ((st.mode() & forbidden) != 0) {
            return Optional.of(
                    path
                            + " may be written by others than root (mode 0"
                            + Integer.toOctalString(st.mode() & 07777)
                            + "): chmod go-w "
                            + path);
        }
        return Optional.empty();
    }
}
