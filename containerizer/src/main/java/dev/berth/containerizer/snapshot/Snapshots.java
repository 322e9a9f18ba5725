package dev.berth.containerizer.snapshot;

import dev.berth.isolator.ContainerId;
import dev.berth.linux.At;
import dev.berth.linux.DirEntry;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.FileMode;
import dev.berth.linux.Files;
import dev.berth.linux.Linux;
import dev.berth.linux.MountFlags;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Statx;
import dev.berth.linux.file.TreeRemoval;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The writable layers below one data-root, and the detached mounts made from them.
 *
 * <p>Thread: file lane; {@link #mount} may also be called on the conductor: it does not wait for a disk but for the directories of the layers.
 */
public final class Snapshots implements AutoCloseable {
    private static final int DIRECTORY = Open.O_RDONLY | Open.O_DIRECTORY | Open.O_NOFOLLOW;
    private static final String UPPER = "upper";
    private static final String WORK = "work";

    private final Linux linux;
    private final OwnedFd containers;
    private final OverlayMounter overlays;

    private Snapshots(Linux linux, OwnedFd containers, OverlayMounter overlays) {
        this.linux = linux;
        this.containers = containers;
        this.overlays = overlays;
    }

    /**
     * Opens, and where needed makes, {@code DATA-ROOT/containers} (0700).
     *
     * @param dataRoot an open directory, which stays the caller's
     */
    public static Snapshots open(Linux linux, Fd dataRoot) throws SnapshotException {
        try {
            linux.files().mkdirat(dataRoot, "containers", 0700);
            OwnedFd containers = linux.files().openat(dataRoot, "containers", DIRECTORY, 0);
            return new Snapshots(linux, containers, new OverlayMounter(linux));
        } catch (ErrnoException e) {
            throw new SnapshotException("open the containers of the data root", e);
        }
    }

    /**
     * Makes a container's writable layer. One that exists is left as it is.
     *
     * @param layers the image's layers, base first: the topmost one's root directory gives owner and mode
     * @param durable whether it survives a power cut when this returns; otherwise no disk is waited for
     */
    public void create(ContainerId id, List<? extends Fd> layers, boolean durable)
            throws SnapshotException {
        Files files = linux.files();
        try {
            files.mkdirat(containers, id.value(), 0700);
            try (OwnedFd own = files.openat(containers, id.value(), DIRECTORY, 0)) {
                if (files.mkdirat(own, UPPER, 0755)) {
                    copyAttributes(layers.getLast(), own, durable);
                }
                files.mkdirat(own, WORK, 0700);
                if (durable) {
                    files.fsync(own);
                }
            }
            if (durable) {
                files.fsync(containers);
            }
        } catch (ErrnoException e) {
            throw new SnapshotException("make the writable layer of " + id.shortForm(), e);
        }
    }

    private void copyAttributes(Fd top, Fd own, boolean durable) throws ErrnoException {
        Optional<Statx> st = linux.files().statx(top, "", At.AT_EMPTY_PATH);
        if (st.isPresent()) {
            try (OwnedFd upper = linux.files().openat(own, UPPER, DIRECTORY, 0)) {
                linux.files().fchownat(upper, "", st.get().uid(), st.get().gid(), At.AT_EMPTY_PATH);
                linux.files().fchmod(upper, st.get().mode() & 07777);
                if (durable) {
                    linux.files().fsync(upper);
                }
            }
        }
    }

    /** Removes a container's writable layer with all it holds; an unknown one is a no-op. */
    public void remove(ContainerId id) throws SnapshotException {
        try {
            new TreeRemoval(linux.files()).remove(containers, id.value());
        } catch (ErrnoException e) {
            throw new SnapshotException("remove the writable layer of " + id.shortForm(), e);
        }
    }

    /** The containers that have a writable layer. */
    public Set<ContainerId> present() throws SnapshotException {
        Set<ContainerId> present = new HashSet<>();
        try {
            for (DirEntry entry : linux.files().list(containers)) {
                if (entry.type() == FileMode.DT_DIR && entry.name().matches("[0-9a-f]{64}")) {
                    present.add(new ContainerId(entry.name()));
                }
            }
        } catch (ErrnoException e) {
            throw new SnapshotException("list the writable layers", e);
        }
        return present;
    }

    /** The directory of what the container wrote (for changes and size). The caller closes it. */
    public OwnedFd upper(ContainerId id) throws SnapshotException {
        try {
            return linux.files().openat(containers, id.value() + "/" + UPPER, DIRECTORY, 0);
        } catch (ErrnoException e) {
            throw new SnapshotException("open the writable layer of " + id.shortForm(), e);
        }
    }

    /**
     * A detached overlay of the layers with the container's writable layer on top. Closing the descriptor unmounts it. While one exists no second one may be made for the same container.
     *
     * @param layers base first; they stay the caller's and may be closed afterwards
     */
    public OwnedFd mount(ContainerId id, List<? extends Fd> layers) throws SnapshotException {
        try (OwnedFd own = linux.files().openat(containers, id.value(), DIRECTORY, 0);
                OwnedFd upper = linux.files().openat(own, UPPER, DIRECTORY, 0);
                OwnedFd work = linux.files().openat(own, WORK, DIRECTORY, 0)) {
            return overlays.mount(layers, new OverlayMounter.Writable(upper, work, own));
        } catch (ErrnoException e) {
            throw new SnapshotException(
                    e.errno() == Errno.ENOENT
                            ? "container " + id.shortForm() + " has no writable layer"
                            : "mount the overlay of " + id.shortForm(),
                    e);
        }
    }

    /**
     * A detached clone of a host directory with all that is mounted below it, private: for {@code --rootfs}.
     *
     * @param path absolute, in the host's view; links are followed, it is the operator's
     */
    public OwnedFd mountDirectory(String path) throws SnapshotException {
        try {
            OwnedFd clone =
                    linux.mounts()
                            .openTree(Fd.CWD, path, MountFlags.OPEN_TREE_CLONE | At.AT_RECURSIVE);
            try {
                if (!RootPreparation.isDirectory(linux.files(), clone)) {
                    throw new SnapshotException("root file system " + path + " is no directory");
                }
                linux.mounts()
                        .mountSetattr(
                                clone,
                                "",
                                At.AT_EMPTY_PATH | At.AT_RECURSIVE,
                                0,
                                0,
                                MountFlags.MS_PRIVATE,
                                Optional.empty());
                return clone;
            } catch (ErrnoException | SnapshotException e) {
                clone.close();
                throw e;
            }
        } catch (ErrnoException e) {
            throw new SnapshotException("clone root file system " + path, e);
        }
    }

    @Override
    public void close() {
        containers.close();
    }
}
