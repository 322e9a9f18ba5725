package dev.berth.gpu.driver;

import dev.berth.gpu.driver.DriverInventory.BoundFile;
import dev.berth.gpu.driver.DriverInventory.Item;
import dev.berth.gpu.driver.DriverInventory.TreeLink;
import dev.berth.isolator.ReadyMount;
import dev.berth.linux.At;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Files;
import dev.berth.linux.Linux;
import dev.berth.linux.MountFlags;
import dev.berth.linux.Mounts;
import dev.berth.linux.OwnedFd;

import java.util.List;
import java.util.Optional;

/**
 * The driver's files of one set of capabilities as a detached mount tree: a small tmpfs of directories, links and empty files, each empty file under a read-only bind of the host's. A start gets a clone of the whole.
 *
 * <p>The tmpfs is made read-only as a file system, not only as a mount: all clones are the same file system, and nothing that one container might do may show in another.
 *
 * <p>Thread: made on the file lane; {@link #open} any.
 */
final class DriverTree implements ReadyMount, AutoCloseable {
    private static final long INERT =
            MountFlags.MOUNT_ATTR_RDONLY
                    | MountFlags.MOUNT_ATTR_NOSUID
                    | MountFlags.MOUNT_ATTR_NODEV;

    private final Linux linux;
    private final String name;
    private final OwnedFd tree;

    private DriverTree(Linux linux, String name, OwnedFd tree) {
        this.linux = linux;
        this.name = name;
        this.tree = tree;
    }

    /**
     * Makes one.
     *
     * @throws ErrnoException EINVAL where the kernel does not mount on detached trees (before 6.15)
     */
    static DriverTree make(Linux linux, String name, List<Item> items, String loaderPath)
            throws ErrnoException {
        Mounts mounts = linux.mounts();
        try (OwnedFd context = mounts.fsopen("tmpfs")) {
            mounts.fsconfigString(context, "mode", "0755");
            mounts.fsconfigString(context, "size", "1m");
            mounts.fsconfigCreate(context);
            OwnedFd tree =
                    mounts.fsmount(
                            context, MountFlags.MOUNT_ATTR_NOSUID | MountFlags.MOUNT_ATTR_NODEV);
            try {
                fill(linux.files(), tree, items, loaderPath);
                for (Item item : items) {
                    if (item instanceof BoundFile file) {
                        attach(linux, tree, file);
                    }
                }
                mounts.fsconfigFlag(context, "ro");
                mounts.fsconfigReconfigure(context);
                mounts.mountSetattr(tree, "", At.AT_EMPTY_PATH, INERT, 0, 0, Optional.empty());
                return new DriverTree(linux, name, tree);
            } catch (ErrnoException | RuntimeException e) {
                tree.close();
                throw e;
            }
        }
    }

    /** Directories, links, and an empty file for each bind. The file system is ours alone: plain paths are safe. */
    static void fill(Files files, Fd tree, List<Item> items, String loaderPath)
            throws ErrnoException {
        for (String directory : List.of("bin", "lib64", "lib", "etc")) {
            files.mkdirat(tree, directory, 0755);
        }
        for (Item item : items) {
            ScratchDirectory.parents(files, tree, item.path());
            switch (item) {
                case BoundFile file -> ScratchDirectory.file(files, tree, file.path(), "");
                case TreeLink link -> files.symlinkat(link.target(), tree, link.path());
            }
        }
        ScratchDirectory.file(files, tree, "etc/ld.so.conf", loaderPath);
    }

    private static void attach(Linux linux, Fd tree, BoundFile file) throws ErrnoException {
        Mounts mounts = linux.mounts();
        try (OwnedFd clone =
                mounts.openTree(file.source(), "", MountFlags.OPEN_TREE_CLONE | At.AT_EMPTY_PATH)) {
            mounts.mountSetattr(
                    clone, "", At.AT_EMPTY_PATH, INERT, 0, MountFlags.MS_PRIVATE, Optional.empty());
            mounts.moveMount(clone, "", tree, file.path(), MountFlags.MOVE_MOUNT_F_EMPTY_PATH);
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean directory() {
        return true;
    }

    @Override
    public OwnedFd open() throws ErrnoException {
        if (!tree.isOpen()) {
            throw new ErrnoException(
                    "open_tree", Errno.ESTALE, name + ": the driver was replaced, start again");
        }
        return linux.mounts()
                .openTree(
                        tree, "", MountFlags.OPEN_TREE_CLONE | At.AT_RECURSIVE | At.AT_EMPTY_PATH);
    }

    @Override
    public void close() {
        tree.close();
    }
}
