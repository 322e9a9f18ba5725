package dev.berth.gpu.driver;

import dev.berth.isolator.ReadyMount;
import dev.berth.linux.At;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.FileMode;
import dev.berth.linux.Linux;
import dev.berth.linux.MountFlags;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Statx;
import dev.berth.linux.file.SafeRoot;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A place where a daemon of the driver listens: looked up anew for each start, since daemons come and go. Its directory is the daemon's, so a link at the end is not followed and the type is checked on the descriptor that
 * is then mounted. Not read-only: connecting to a socket on a read-only mount fails.
 *
 * <p>Thread: any.
 */
final class DriverSocket implements ReadyMount {
    private static final long INERT =
            MountFlags.MOUNT_ATTR_NOSUID
                    | MountFlags.MOUNT_ATTR_NODEV
                    | MountFlags.MOUNT_ATTR_NOEXEC;

    private final Linux linux;
    private final Path hostRoot;
    private final String path;

    /** @param path on the host, and where containers expect it */
    DriverSocket(Linux linux, Path hostRoot, String path) {
        this.linux = linux;
        this.hostRoot = hostRoot;
        this.path = path;
    }

    String path() {
        return path;
    }

    /** Whether somebody listens, or has listened, there. */
    boolean present() throws ErrnoException {
        try (@Nullable OwnedFd found = find().orElse(null)) {
            return found != null;
        }
    }

    private Optional<OwnedFd> find() throws ErrnoException {
        try (SafeRoot host = SafeRoot.open(linux.files(), Fd.CWD, hostRoot.toString())) {
            Optional<OwnedFd> found = host.resolveNoFollow(path);
            if (found.isPresent()) {
                Statx st = linux.files().statx(found.get(), "", At.AT_EMPTY_PATH).orElseThrow();
                if ((st.mode() & FileMode.S_IFMT) != FileMode.S_IFSOCK) {
                    found.get().close();
                    return Optional.empty();
                }
            }
            return found;
        }
    }

    @Override
    public String name() {
        return "socket of the driver, " + path;
    }

    @Override
    public boolean directory() {
        return false;
    }

    @Override
    public OwnedFd open() throws ErrnoException {
        try (@Nullable OwnedFd found = find().orElse(null)) {
            if (found == null) {
                throw new ErrnoException(
                        "open_tree", Errno.ESTALE, path + ": nobody listens there any more");
            }
            OwnedFd clone =
                    linux.mounts()
                            .openTree(found, "", MountFlags.OPEN_TREE_CLONE | At.AT_EMPTY_PATH);
            try {
                linux.mounts()
                        .mountSetattr(
                                clone,
                                "",
                                At.AT_EMPTY_PATH,
                                INERT,
                                0,
                                MountFlags.MS_PRIVATE,
                                Optional.empty());
                return clone;
            } catch (ErrnoException e) {
                clone.close();
                throw e;
            }
        }
    }
}
