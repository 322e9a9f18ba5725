package dev.berth.agent.cli.playground;

import dev.berth.agent.cli.session.CliException;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.FileMode;
import dev.berth.linux.Files;
import dev.berth.linux.Linux;
import dev.berth.linux.MountFlags;
import dev.berth.linux.Mounts;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Statx;

import java.nio.file.Path;
import java.util.List;

/**
 * Device nodes that are open to everyone in a file system of their own without {@code nodev}. Bound into a container they leave the device program as the only fence: the kernel asks mount, mode and device program in this
 * order before it looks for a driver, so EPERM is the program's and ENXIO says that every fence let the call pass.
 */
public final class NodeFolder {
    /** Where containers have it. */
    public static final String INSIDE = "/nodes";

    private final Path place;

    private NodeFolder(Path place) {
        this.place = place;
    }

    /** Makes nodes for all files below a directory of the playground, before its agent starts or later. */
    public static NodeFolder make(Playground playground, List<DeviceFile> files)
            throws CliException {
        Path place = playground.root().resolve("nodes");
        Linux linux = Linux.host();
        try {
            Files all = linux.files();
            all.mkdirat(Fd.CWD, place.toString(), 0755);
            mount(linux.mounts(), place);
            try (OwnedFd root =
                    all.openat(Fd.CWD, place.toString(), Open.O_RDONLY | Open.O_DIRECTORY, 0)) {
                for (DeviceFile file : files) {
                    node(all, root, file);
                }
            }
        } catch (ErrnoException e) {
            throw new CliException(
                    1,
                    "cannot make device nodes to try below "
                            + place
                            + ": "
                            + e.getMessage()
                            + (e.errno() == Errno.EPERM
                                    ? " (it needs CAP_MKNOD and CAP_SYS_ADMIN on the host, and no device rules of an outer container)"
                                    : ""),
                    e);
        }
        return new NodeFolder(place);
    }

    private static void mount(Mounts mounts, Path place) throws ErrnoException {
        try (OwnedFd context = mounts.fsopen("tmpfs")) {
            mounts.fsconfigString(context, "mode", "755");
            mounts.fsconfigCreate(context);
            try (OwnedFd mount = mounts.fsmount(context, 0)) {
                mounts.moveMount(
                        mount, "", Fd.CWD, place.toString(), MountFlags.MOVE_MOUNT_F_EMPTY_PATH);
            }
        }
    }

    private static void node(Files files, Fd root, DeviceFile file) throws ErrnoException {
        String name = file.name();
        for (int slash = name.indexOf('/'); slash > 0; slash = name.indexOf('/', slash + 1)) {
            files.mkdirat(root, name.substring(0, slash), 0755);
        }
        int type = file.type() == 'b' ? FileMode.S_IFBLK : FileMode.S_IFCHR;
        files.mknodat(root, name, type | 0666, Statx.makedev(file.major(), file.minor()));
        // Not at the mercy of the umask.
        files.fchmodat(root, name, 0666);
    }

    /** As {@code HostConfig.Binds} wants it; read-only, which keeps nobody from writing to a device. */
    public String bind() {
        return place + ":" + INSIDE + ":ro";
    }

    /** Where a container has its node. */
    public static String inside(DeviceFile file) {
        return INSIDE + "/" + file.name();
    }
}
