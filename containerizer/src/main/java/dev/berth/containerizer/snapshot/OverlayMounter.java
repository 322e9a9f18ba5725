package dev.berth.containerizer.snapshot;

import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.MountFlags;
import dev.berth.linux.Mounts;
import dev.berth.linux.OwnedFd;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Makes detached overlay mounts in the best way that the kernel knows.
 *
 * <p>A string given to fsconfig(2) ends at 255 bytes, which is some 14 layers even by {@code /proc/self/fd/N}. Kernels take layers one by one as descriptors from 6.13, one by one as strings from 6.8; before that
 * a longer stack is left to mount(2), whose options may fill a page: then the mount is for a moment in our mount namespace, on a directory of the container's own.
 *
 * <p>Thread: file lane or conductor.
 */
final class OverlayMounter {
    private static final int FSCONFIG_STRING_LIMIT = 255;

    /** {@code OVL_MAX_STACK}. */
    private static final int LAYER_LIMIT = 500;

    /** Layers come from images: marks in them that redirect or that have the content elsewhere must have no effect; an index would tie the upper directory to these very layers. */
    private static final Map<String, String> OPTIONS =
            Map.of("index", "off", "metacopy", "off", "redirect_dir", "nofollow");

    /** How layers are named to the kernel. */
    enum Way {
        DESCRIPTORS,
        SINGLE_STRINGS,
        JOINED_STRING,
        MOUNT_SYSCALL
    }

    private final Linux linux;
    private Optional<Way> way = Optional.empty();

    OverlayMounter(Linux linux) {
        this.linux = linux;
    }

    /** @param own the directory that holds the other two */
    record Writable(Fd upper, Fd work, Fd own) {}

    /** A detached overlay mount; layers are base first. */
    OwnedFd mount(List<? extends Fd> layers, Writable writable)
            throws ErrnoException, SnapshotException {
        if (layers.isEmpty() || layers.size() > LAYER_LIMIT) {
            throw new SnapshotException(
                    "an overlay takes 1 to " + LAYER_LIMIT + " layers, not " + layers.size());
        }
        for (Way candidate : Way.values()) {
            if (way.isEmpty() || way.get().compareTo(candidate) <= 0) {
                Optional<OwnedFd> mount = mount(candidate, layers, writable);
                if (mount.isPresent()) {
                    return mount.get();
                }
            }
        }
        throw new SnapshotException(
                "this kernel mounts no overlay of " + layers.size() + " layers");
    }

    /** Empty when the kernel does not know this way, or the names are too long for it. */
    Optional<OwnedFd> mount(Way candidate, List<? extends Fd> layers, Writable writable)
            throws ErrnoException {
        if (candidate == Way.MOUNT_SYSCALL) {
            return Optional.of(mountSyscall(layers, writable));
        }
        Mounts mounts = linux.mounts();
        try (OwnedFd context = mounts.fsopen("overlay")) {
            mounts.fsconfigString(context, "source", "overlay");
            if (!name(candidate, context, layers)) {
                return Optional.empty();
            }
            mounts.fsconfigString(context, "upperdir", path(writable.upper()));
            mounts.fsconfigString(context, "workdir", path(writable.work()));
            for (Map.Entry<String, String> option : OPTIONS.entrySet()) {
                mounts.fsconfigString(context, option.getKey(), option.getValue());
            }
            mounts.fsconfigCreate(context);
            OwnedFd mount = mounts.fsmount(context, 0);
            way = way.or(() -> Optional.of(candidate));
            return Optional.of(mount);
        }
    }

    /** Gives the layers, topmost first; false when this is not the way. */
    private boolean name(Way candidate, Fd context, List<? extends Fd> layers)
            throws ErrnoException {
        Mounts mounts = linux.mounts();
        if (candidate == Way.JOINED_STRING) {
            String joined = joined(layers);
            if (joined.length() > FSCONFIG_STRING_LIMIT) {
                return false;
            }
            mounts.fsconfigString(context, "lowerdir", joined);
            return true;
        }
        boolean first = true;
        for (Fd layer : layers.reversed()) {
            try {
                if (candidate == Way.DESCRIPTORS) {
                    mounts.fsconfigFd(context, "lowerdir+", layer);
                } else {
                    mounts.fsconfigString(context, "lowerdir+", path(layer));
                }
            } catch (ErrnoException e) {
                // An older kernel knows no such parameter, or no descriptor as its value.
                if (first && e.errno() == Errno.EINVAL) {
                    return false;
                }
                throw e;
            }
            first = false;
        }
        return true;
    }

    private OwnedFd mountSyscall(List<? extends Fd> layers, Writable writable)
            throws ErrnoException {
        List<String> options = new ArrayList<>();
        options.add("lowerdir=" + joined(layers));
        options.add("upperdir=" + path(writable.upper()));
        options.add("workdir=" + path(writable.work()));
        OPTIONS.forEach((key, value) -> options.add(key + "=" + value));
        // Over the directory that holds upper and work: it exists, and nobody looks at it
        // meanwhile.
        String target = path(writable.own());
        linux.mounts().mount("overlay", target, "overlay", 0, String.join(",", options));
        String mounted = linux.files().readlinkat(Fd.CWD, target);
        try {
            return linux.mounts().openTree(Fd.CWD, mounted, MountFlags.OPEN_TREE_CLONE);
        } finally {
            linux.mounts().umount2(mounted, MountFlags.MNT_DETACH | MountFlags.UMOUNT_NOFOLLOW);
        }
    }

    private static String joined(List<? extends Fd> layers) {
        return String.join(":", layers.reversed().stream().map(OverlayMounter::path).toList());
    }

    private static String path(Fd fd) {
        return "/proc/self/fd/" + fd.number();
    }
}
