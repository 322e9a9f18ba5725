package dev.berth.containerizer.snapshot;

import dev.berth.isolator.ContainerConfig.Link;
import dev.berth.linux.At;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Files;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Statx;
import dev.berth.linux.file.SafeRoot;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Makes what a launch expects inside a root, on its detached mount: directories and files to mount over, the working directory. Existing ones stay as they are.
 *
 * <p>Thread: file lane.
 */
public final class RootPreparation {
    /** File systems of the kernel are attached here: a link would put them, and what is written through them, somewhere else (CVE-2019-19921, CVE-2026-41579, CVE-2026-47766). */
    private static final List<String> KERNEL_DIRECTORIES = List.of("proc", "sys", "dev");

    private static final Set<Errno> LINK_LEFT_OUT =
            EnumSet.of(
                    Errno.EEXIST,
                    Errno.ENOTDIR,
                    Errno.ELOOP,
                    Errno.EROFS,
                    Errno.EINVAL,
                    Errno.ENAMETOOLONG);

    private static final int PATH_MAX = 4096;

    /** Characters of a path that is too long that a message shows. */
    private static final int SHOWN = 77;

    private RootPreparation() {}

    /**
     * What must exist.
     *
     * @param directories mount points of directories: absolute paths inside the root
     * @param files mount points of files ({@code /etc/hosts}), and whatever a file is bound over
     * @param workingDirectory made with mode 0755 when missing; empty for none
     * @param links symbolic links to make where nothing is yet; where one cannot be (something else is in the way, the root cannot be written) it is left out: they are for convenience
     */
    public record Needs(
            List<String> directories,
            List<String> files,
            Optional<String> workingDirectory,
            List<Link> links) {}

    /** A target in use by a bind of this type, as in {@link Needs}: asks the source itself. */
    public static boolean isDirectory(Files files, Fd source) throws SnapshotException {
        try {
            return files.statx(source, "", At.AT_EMPTY_PATH).map(Statx::isDirectory).orElse(false);
        } catch (ErrnoException e) {
            throw new SnapshotException("look at a mount source", e);
        }
    }

    /**
     * Makes it all.
     *
     * @throws SnapshotException when the root ships {@code /proc}, {@code /sys} or {@code /dev} as anything but a directory, or something is in the way of a mount point
     */
    public static void prepare(Files files, Fd root, Needs needs) throws SnapshotException {
        for (String name : KERNEL_DIRECTORIES) {
            kernelDirectory(files, root, name);
        }
        try (SafeRoot safe = SafeRoot.over(files, root)) {
            for (String path : needs.directories()) {
                if (!onKernelFileSystem(path)) {
                    make(path, () -> safe.mkdirs(path, 0755, 0, 0));
                }
            }
            for (String path : needs.files()) {
                if (!onKernelFileSystem(path)) {
                    make(path, () -> safe.ensureFile(path, 0644, 0, 0));
                }
            }
            if (needs.workingDirectory().isPresent()) {
                String path = needs.workingDirectory().get();
                if (!onKernelFileSystem(path)) {
                    make(path, () -> safe.mkdirs(path, 0755, 0, 0));
                }
            }
            for (Link link : needs.links()) {
                if (!onKernelFileSystem(link.path())) {
                    link(files, safe, link);
                }
            }
        }
    }

    private static void link(Files files, SafeRoot safe, Link link) throws SnapshotException {
        int slash = link.path().lastIndexOf('/');
        String above = slash <= 0 ? "/" : link.path().substring(0, slash);
        try (OwnedFd directory = safe.mkdirs(above, 0755, 0, 0)) {
            files.symlinkat(link.target(), directory, link.path().substring(slash + 1));
        } catch (ErrnoException e) {
            if (!LINK_LEFT_OUT.contains(e.errno())) {
                throw new SnapshotException(
                        "make link " + link.path() + " in the root file system", e);
            }
        }
    }

    /** A step that opens what it made. */
    private interface Step {
        OwnedFd open() throws ErrnoException;
    }

    private static void make(String path, Step step) throws SnapshotException {
        if (path.getBytes(StandardCharsets.UTF_8).length >= PATH_MAX) {
            throw new SnapshotException(
                    "path inside the container is longer than "
                            + (PATH_MAX - 1)
                            + " bytes: "
                            + path.substring(0, SHOWN)
                            + "...");
        }
        try (OwnedFd _ = step.open()) {
            // Only its existence is wanted.
        } catch (ErrnoException e) {
            throw new SnapshotException("make " + path + " in the root file system", e);
        }
    }

    /** One name in the root directory itself, so that nothing can be followed. */
    private static void kernelDirectory(Files files, Fd root, String name)
            throws SnapshotException {
        try {
            if (files.mkdirat(root, name, 0755)) {
                return;
            }
            Optional<Statx> found = files.statx(root, name, At.AT_SYMLINK_NOFOLLOW);
            if (found.isEmpty() || !found.get().isDirectory()) {
                throw new SnapshotException(
                        "the image ships /"
                                + name
                                + " as "
                                + (found.map(Statx::isSymlink).orElse(false)
                                        ? "a symbolic link"
                                        : "a file")
                                + ": it must be a directory or absent");
            }
        } catch (ErrnoException e) {
            throw new SnapshotException("make /" + name + " in the root file system", e);
        }
    }

    /** What lies below a mount of the kernel's is not ours to make: it would be hidden. */
    private static boolean onKernelFileSystem(String path) {
        List<String> names = new ArrayList<>();
        for (String name : path.split("/")) {
            if (name.equals("..")) {
                if (!names.isEmpty()) {
                    names.removeLast();
                }
            } else if (!name.isEmpty() && !name.equals(".")) {
                names.add(name);
            }
        }
        return !names.isEmpty() && KERNEL_DIRECTORIES.contains(names.getFirst());
    }

    /** Flags to open a root for {@link #prepare}: a detached mount's descriptor will do as well. */
    static final int ROOT_FLAGS = Open.O_PATH | Open.O_DIRECTORY;
}
