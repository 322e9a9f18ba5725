package dev.berth.containerizer;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.linux.At;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.FileMode;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Statx;
import dev.berth.linux.file.SafeRoot;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Devices of containers that run: the program by the isolators, the nodes by hand in the container's own {@code /dev}.
 *
 * <p>Everything there is the container's to change at any moment, so a node is made and removed only in a directory that lies on the file system that was made for its {@code /dev}, never on one that it shares with the host,
 * and mode and owner are set through a descriptor of the very node.
 *
 * <p>Thread: conductor.
 */
final class LiveDevices {
    private static final int PERMISSIONS = 07777;

    private final Context context;

    LiveDevices(Context context) {
        this.context = context;
    }

    /** See {@link Containerizer#updateDevices}. */
    void update(Run run, ContainerConfig config) throws ContainerizerException {
        Map<String, DeviceNode> before = byPath(run.config);
        Map<String, DeviceNode> after = byPath(config);
        try {
            // First what counts: from here on the kernel refuses what went, whatever happens to the
            // nodes.
            for (Isolator isolator : context.isolators) {
                isolator.updateDevices(config);
            }
            run.config = config;
            if (before.equals(after)) {
                return;
            }
            try (SafeRoot root = root(run)) {
                change(root, before, after);
            }
        } catch (IsolatorException | ErrnoException e) {
            throw new ContainerizerException("devices of container " + run.id().shortForm(), e);
        }
    }

    private static Map<String, DeviceNode> byPath(ContainerConfig config) {
        Map<String, DeviceNode> nodes = new LinkedHashMap<>();
        config.devices().forEach(node -> nodes.put(node.path(), node));
        return nodes;
    }

    /** The root that the container's first process sees now. */
    private SafeRoot root(Run run) throws ErrnoException, ContainerizerException {
        int pid = run.init().orElseThrow().pid();
        OwnedFd pidfd =
                run.process.pidfd.orElseThrow(() ->
                        new ContainerizerException(
                                "container " + run.id().shortForm() + " is not running"));
        OwnedFd root =
                context.linux
                        .files()
                        .openat(
                                Fd.CWD,
                                "/proc/" + pid + "/root",
                                Open.O_PATH | Open.O_DIRECTORY,
                                0);
        // The pidfd tells whether the pid was still that process's when its root was opened.
        if (!context.linux.processes().pidfdSendSignal(pidfd, 0)) {
            root.close();
            throw new ContainerizerException(
                    "container " + run.id().shortForm() + " is not running");
        }
        return SafeRoot.owning(context.linux.files(), root);
    }

    private void change(
            SafeRoot root, Map<String, DeviceNode> before, Map<String, DeviceNode> after)
            throws ErrnoException, ContainerizerException {
        long own = ownDev(root);
        for (DeviceNode node : before.values()) {
            if (!node.equals(after.get(node.path()))) {
                remove(root, node, own);
            }
        }
        for (DeviceNode node : after.values()) {
            if (!node.equals(before.get(node.path()))) {
                make(root, node, own);
            }
        }
    }

    /** The device number of the file system that is the container's {@code /dev} and nobody else's. */
    private long ownDev(SafeRoot root) throws ErrnoException, ContainerizerException {
        long own = root.statNoFollow("/dev").map(Statx::device).orElse(0L);
        long hosts = context.linux.files().statx(Fd.CWD, "/dev", 0).map(Statx::device).orElse(0L);
        long around = root.statNoFollow("/").map(Statx::device).orElse(0L);
        if (own == hosts || own == around) {
            throw new ContainerizerException(
                    "the container has no /dev of its own, in which nodes could be made while it runs: start it again");
        }
        return own;
    }

    private void make(SafeRoot root, DeviceNode node, long own)
            throws ErrnoException, ContainerizerException {
        String path = node.path();
        int slash = path.lastIndexOf('/');
        root.mkdirs(slash <= 0 ? "/" : path.substring(0, slash), 0755, 0, 0).close();
        try (SafeRoot.Parent parent = root.parent(path)) {
            checkOwn(parent.directory(), own, path);
            int type = node.type() == 'b' ? FileMode.S_IFBLK : FileMode.S_IFCHR;
            try {
                context.linux
                        .files()
                        .mknodat(
                                parent.directory(),
                                parent.name(),
                                type | node.mode(),
                                Statx.makedev(node.major(), node.minor()));
            } catch (ErrnoException e) {
                if (e.errno() != Errno.EEXIST) {
                    throw e;
                }
            }
            try (OwnedFd made =
                    context.linux
                            .files()
                            .openat(
                                    parent.directory(),
                                    parent.name(),
                                    Open.O_PATH | Open.O_NOFOLLOW,
                                    0)) {
                Statx found = stat(made, path);
                if (found.device() != own || !isNode(found, node)) {
                    throw new ContainerizerException(
                            path + " is something else in the container: remove it and try again");
                }
                context.linux.files().fchownat(made, "", node.uid(), node.gid(), At.AT_EMPTY_PATH);
                context.linux
                        .files()
                        .fchmodat(
                                Fd.CWD,
                                "/proc/self/fd/" + made.number(),
                                node.mode() & PERMISSIONS);
            }
        }
    }

    private void remove(SafeRoot root, DeviceNode node, long own) throws ErrnoException {
        Optional<Statx> found = root.statNoFollow(node.path());
        if (found.isEmpty() || found.get().device() != own || !isNode(found.get(), node)) {
            return; // the container took it away itself, or made something of its own of the name
        }
        try (SafeRoot.Parent parent = root.parent(node.path())) {
            if (stat(parent.directory(), node.path()).device() == own) {
                context.linux.files().unlinkat(parent.directory(), parent.name(), 0);
            }
        }
    }

    private void checkOwn(Fd directory, long own, String path)
            throws ErrnoException, ContainerizerException {
        if (stat(directory, path).device() != own) {
            throw new ContainerizerException(
                    path
                            + " is not on the container's own /dev, so no node is made there while it runs");
        }
    }

    private Statx stat(Fd fd, String path) throws ErrnoException {
        return context.linux
                .files()
                .statx(fd, "", At.AT_EMPTY_PATH)
                .orElseThrow(() -> new ErrnoException("statx", Errno.ENOENT, path));
    }

    private static boolean isNode(Statx found, DeviceNode node) {
        return (node.type() == 'b' ? found.isBlockDevice() : found.isCharDevice())
                && found.rdev() == Statx.makedev(node.major(), node.minor());
    }

    /** A run of a former agent goes on: its program becomes what its configuration says. */
    void adopt(Run run) {
        try {
            for (Isolator isolator : context.isolators) {
                isolator.updateDevices(run.config);
            }
        } catch (IsolatorException e) {
            context.complaints.accept(Context.chain(e));
        }
    }

    /** See {@link Containerizer#verify}. */
    List<ContainerId> verify() throws ContainerizerException {
        List<ContainerId> restored = new ArrayList<>();
        try {
            for (Isolator isolator : context.isolators) {
                restored.addAll(isolator.verify());
            }
        } catch (IsolatorException e) {
            throw new ContainerizerException("look at what guards the containers", e);
        }
        return restored;
    }
}
