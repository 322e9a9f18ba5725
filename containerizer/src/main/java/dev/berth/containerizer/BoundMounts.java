package dev.berth.containerizer;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.MountSpec;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.LaunchPlan;
import dev.berth.isolator.Slot;
import dev.berth.isolator.Slots;
import dev.berth.linux.At;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Statx;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Fills the slots whose descriptors come from the host or from another container: bind sources and generated files, cloned in the agent's own mount namespace (the spawner's goes stale), and namespaces to share.
 *
 * <p>Thread: conductor.
 */
final class BoundMounts {
    private static final int OPEN_TREE_CLONE = 1;

    private final Context context;

    BoundMounts(Context context) {
        this.context = context;
    }

    /** The slots whose sources are no directories now. */
    static Set<Slot> likelyFiles(ContainerConfig config) {
        Set<Slot> files = new HashSet<>();
        List<MountSpec> specs = config.mounts();
        for (int n = 0; n < specs.size(); n++) {
            if (isFile(specs.get(n))) {
                files.add(Slot.bind(n));
            }
        }
        config.hostsFiles().values().forEach(name -> files.add(Slot.file(name)));
        return files;
    }

    /** Whether its mount point is a file, as far as can be told now. */
    static boolean isFile(MountSpec spec) {
        return switch (spec) {
            case MountSpec.Bind bind -> !Files.isDirectory(Path.of(bind.source()));
            case MountSpec.Ready ready -> !ready.mount().directory();
            case MountSpec.Tmpfs _ -> false;
        };
    }

    /** Fills what the plan names and nobody has filled yet. */
    void fill(ContainerConfig config, LaunchPlan plan, Slots slots)
            throws ContainerizerException, ErrnoException {
        List<MountSpec> specs = config.mounts();
        for (int n = 0; n < specs.size(); n++) {
            if (specs.get(n) instanceof MountSpec.Bind bind && wanted(plan, slots, Slot.bind(n))) {
                clone(slots, Slot.bind(n), bind.source(), bind.recursive());
            }
        }
        for (String name : config.hostsFiles().values()) {
            if (wanted(plan, slots, Slot.file(name))) {
                String path = context.directories.file(config.id(), name).toString();
                clone(slots, Slot.file(name), path, false);
            }
        }
        Optional<String> pidOf = config.namespaces().pidOf();
        if (pidOf.isPresent() && wanted(plan, slots, Slot.PIDNS)) {
            slots.fill(Slot.PIDNS, namespaces(pidOf.get(), "pid"));
        }
        Optional<String> ipcOf = config.namespaces().ipcOf();
        if (ipcOf.isPresent() && wanted(plan, slots, Slot.IPCNS)) {
            slots.fill(Slot.IPCNS, namespaces(ipcOf.get(), "ipc"));
        }
    }

    private static boolean wanted(LaunchPlan plan, Slots slots, Slot slot) {
        return plan.slots().contains(slot) && slots.find(slot).isEmpty();
    }

    private void clone(Slots slots, Slot slot, String source, boolean recursive)
            throws ContainerizerException {
        Linux linux = context.linux;
        int flags = OPEN_TREE_CLONE | (recursive ? At.AT_RECURSIVE : 0);
        try {
            OwnedFd tree = linux.mounts().openTree(Fd.CWD, source, flags);
            Optional<Statx> found = linux.files().statx(tree, "", At.AT_EMPTY_PATH);
            if (found.isPresent() && !found.get().isDirectory()) {
                slots.fillFile(slot, tree);
            } else {
                slots.fill(slot, tree);
            }
        } catch (ErrnoException e) {
            throw new ContainerizerException("bind source " + source, e);
        }
    }

    /** A pidfd is what setns(2) takes for any namespace of a process (Linux 5.8). */
    private OwnedFd namespaces(String container, String kind)
            throws ContainerizerException, ErrnoException {
        Optional<Run> other =
                container.length() == 64
                        ? context.running(new ContainerId(container))
                        : Optional.empty();
        Optional<OwnedFd> pidfd = other.flatMap(r -> r.process.pidfd);
        if (pidfd.isEmpty()) {
            throw new ContainerizerException(
                    "cannot join the "
                            + kind
                            + " namespace of container "
                            + container
                            + ": it is not running");
        }
        return context.linux.files().duplicate(pidfd.get());
    }
}
