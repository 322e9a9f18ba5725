package dev.berth.linux.file;

import dev.berth.linux.At;
import dev.berth.linux.DirEntry;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.FileMode;
import dev.berth.linux.Files;
import dev.berth.linux.Open;
import dev.berth.linux.OpenHow;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Resolve;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * Removes a tree by descriptors: each directory is opened from its parent's descriptor without following a link and without crossing into another mount (RESOLVE_NO_XDEV, which sees
 * bind mounts too), so that nothing outside the tree can be reached, whatever is renamed meanwhile. A mount inside the tree ends the removal with EBUSY: unmount it first.
 *
 * <p>Memory and descriptors stay bounded: entries are read in portions, and a directory deeper than {@value #MAX_DEPTH} levels is first moved up to the top.
 */
public final class TreeRemoval {
    private static final int MAX_DEPTH = 64;

    /** How often a directory that is filled while it is emptied is emptied again. */
    private static final int MAX_ROUNDS = 16;

    private static final OpenHow ENTER =
            new OpenHow(
                    Integer.toUnsignedLong(
                            Open.O_RDONLY
                                    | Open.O_DIRECTORY
                                    | Open.O_NOFOLLOW
                                    | Open.O_NONBLOCK
                                    | Open.O_CLOEXEC),
                    0,
                    Resolve.RESOLVE_BENEATH
                            | Resolve.RESOLVE_NO_XDEV
                            | Resolve.RESOLVE_NO_SYMLINKS);

    private final Files files;
    private int moved;

    public TreeRemoval(Files files) {
        this.files = files;
    }

    /**
     * Removes the entry {@code name} of {@code directory}, with all below it when it is a directory; false when there is none.
     *
     * @throws ErrnoException EBUSY for a mount in the tree, named in the detail
     */
    public boolean remove(Fd directory, String name) throws ErrnoException {
        if (name.isEmpty() || name.contains("/") || name.equals(".") || name.equals("..")) {
            throw new ErrnoException("unlinkat", Errno.EINVAL, name + ": no name of an entry");
        }
        return removeEntry(directory, name, FileMode.DT_UNKNOWN, null, 0);
    }

    /** Removes everything in a directory and keeps the directory. */
    public void empty(Fd directory) throws ErrnoException {
        try (OwnedFd inside = files.openat2(directory, ".", ENTER)) {
            empty(inside, inside, 1);
        }
    }

    /** {@code depth} levels lie between {@code parent} and {@code top}, the directory that everything too deep is moved to: none before the first has been entered. */
    private boolean removeEntry(Fd parent, String name, int type, @Nullable Fd top, int depth)
            throws ErrnoException {
        if (type != FileMode.DT_DIR) {
            try {
                return files.unlinkat(parent, name, 0);
            } catch (ErrnoException e) {
                // EISDIR is Linux's answer for a directory, EPERM that of POSIX.
                if (e.errno() != Errno.EISDIR && e.errno() != Errno.EPERM) {
                    throw e;
                }
            }
        }
        for (int round = 0; ; round++) {
            try (OwnedFd child = files.openat2(parent, name, ENTER)) {
                empty(child, top == null ? child : top, depth + 1);
            } catch (ErrnoException e) {
                return switch (e.errno()) {
                    case ENOENT -> round > 0;
                    // It was exchanged for something else since it was listed.
                    case ENOTDIR, ELOOP -> files.unlinkat(parent, name, 0);
                    case EXDEV ->
                            throw new ErrnoException(
                                    "unlinkat", Errno.EBUSY, name + ": a mount, unmount it first");
                    default -> throw e;
                };
            }
            try {
                return files.unlinkat(parent, name, At.AT_REMOVEDIR);
            } catch (ErrnoException e) {
                if (e.errno() != Errno.ENOTEMPTY || round >= MAX_ROUNDS) {
                    throw e;
                }
            }
        }
    }

    /** Passes over the directory until one finds nothing: a listing of a directory that changes may leave entries out. */
    private void empty(Fd directory, Fd top, int depth) throws ErrnoException {
        int idle = 0;
        boolean found = true;
        while (found && idle < MAX_ROUNDS) {
            found = false;
            int before = moved;
            files.lseek(directory, 0, 0);
            List<DirEntry> portion = files.listSome(directory);
            while (!portion.isEmpty()) {
                found = true;
                for (DirEntry entry : portion) {
                    if (depth >= MAX_DEPTH && entry.type() == FileMode.DT_DIR) {
                        moveUp(directory, entry.name(), top);
                    } else {
                        removeEntry(directory, entry.name(), entry.type(), top, depth);
                    }
                }
                portion = files.listSome(directory);
            }
            // What was moved up is work that is done; anything else that keeps a directory from
            // getting empty is somebody who fills it.
            idle = moved > before ? 0 : idle + 1;
        }
    }

    /** Moves a deep directory next to the top of the tree, where it is found later: however deep a tree is, it takes no more than {@value #MAX_DEPTH} descriptors. */
    private void moveUp(Fd directory, String name, Fd top) throws ErrnoException {
        while (true) {
            try {
                String free = ".berth-remove-" + moved++;
                files.renameat2(directory, name, top, free, At.RENAME_NOREPLACE);
                return;
            } catch (ErrnoException e) {
                if (e.errno() != Errno.EEXIST) {
                    throw e;
                }
            }
        }
    }
}
