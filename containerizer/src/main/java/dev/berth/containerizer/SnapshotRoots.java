package dev.berth.containerizer;

import dev.berth.containerizer.Containerizer.RootSource;
import dev.berth.containerizer.snapshot.ContainerUser;
import dev.berth.containerizer.snapshot.RootPreparation;
import dev.berth.containerizer.snapshot.SnapshotException;
import dev.berth.containerizer.snapshot.Snapshots;
import dev.berth.containerizer.snapshot.UserLookup;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.MountSpec;
import dev.berth.isolator.ContainerId;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Roots from {@link Snapshots}: at most one detached mount for each container at a time, made when it is first looked into, handed to the run, kept beside it so that users can be looked up in a running container, and
 * let go when the run is over.
 *
 * <p>Thread: as {@link Roots}.
 */
public final class SnapshotRoots implements Roots, AutoCloseable {
    private final Linux linux;
    private final Snapshots snapshots;
    private final Map<ContainerId, RootSource> sources = new ConcurrentHashMap<>();
    private final Map<ContainerId, Mounted> mounts = new ConcurrentHashMap<>();
    private final RootReleases releases = new RootReleases();

    private static final class Mounted {
        private final OwnedFd fd;

        /** What was made in it; empty for nothing yet. */
        private Optional<RootPreparation.Needs> made = Optional.empty();

        /** A run of a former agent: what it needs is there. */
        private boolean adopted;

        private Mounted(OwnedFd fd) {
            this.fd = fd;
        }
    }

    /** @param snapshots stays the caller's */
    public SnapshotRoots(Linux linux, Snapshots snapshots) {
        this.linux = linux;
        this.snapshots = snapshots;
    }

    @Override
    public void prepare(ContainerId id, RootSource source) throws ContainerizerException {
        if (source instanceof RootSource.Layers(List<OwnedFd> layers, boolean durable)) {
            try {
                snapshots.create(id, layers, durable);
            } catch (SnapshotException e) {
                layers.forEach(OwnedFd::close);
                throw new ContainerizerException("prepare the root of " + id.shortForm(), e);
            }
        }
        close(sources.put(id, source));
    }

    private static void close(@org.jspecify.annotations.Nullable RootSource source) {
        if (source instanceof RootSource.Layers(List<OwnedFd> layers, _)) {
            layers.forEach(OwnedFd::close);
        }
    }

    @Override
    public void remove(ContainerId id) throws ContainerizerException {
        release(id);
        releases.await(id);
        close(sources.remove(id));
        try {
            snapshots.remove(id);
        } catch (SnapshotException e) {
            throw new ContainerizerException("remove the root of " + id.shortForm(), e);
        }
    }

    private Mounted mounted(ContainerId id) throws ContainerizerException {
        Mounted present = mounts.get(id);
        if (present != null) {
            return present;
        }
        RootSource source = sources.get(id);
        if (source == null) {
            throw new ContainerizerException(
                    "the root of "
                            + id.shortForm()
                            + " was not prepared since the agent was started");
        }
        releases.await(id);
        try {
            OwnedFd fd =
                    switch (source) {
                        case RootSource.Layers(List<OwnedFd> layers, _) ->
                                snapshots.mount(id, layers);
                        case RootSource.Directory(String path) -> snapshots.mountDirectory(path);
                    };
            Mounted made = new Mounted(fd);
            mounts.put(id, made);
            return made;
        } catch (SnapshotException e) {
            throw new ContainerizerException("mount the root of " + id.shortForm(), e);
        }
    }

    @Override
    public Containerizer.ResolvedUser resolveUser(
            ContainerId id, String user, List<String> extraGroups) throws ContainerizerException {
        Fd root = mounted(id).fd;
        try {
            ContainerUser found = UserLookup.resolve(linux.files(), root, user, extraGroups);
            return new Containerizer.ResolvedUser(
                    found.uid(), found.gid(), found.groups(), found.home());
        } catch (SnapshotException e) {
            throw new ContainerizerException("user \"" + user + "\"", e);
        }
    }

    @Override
    public void prepareStart(ContainerConfig config) throws ContainerizerException {
        ready(config);
    }

    private Mounted ready(ContainerConfig config) throws ContainerizerException {
        Mounted mounted = mounted(config.id());
        if (mounted.adopted) {
            return mounted;
        }
        // A start may need more than its preparation knew: devices are granted late.
        Optional<RootPreparation.Needs> needs = Optional.of(needs(config));
        if (!mounted.made.equals(needs)) {
            try {
                RootPreparation.prepare(linux.files(), mounted.fd, needs.get());
            } catch (SnapshotException e) {
                throw new ContainerizerException(
                        "prepare the root of " + config.id().shortForm(), e);
            }
            mounted.made = needs;
        }
        return mounted;
    }

    private static RootPreparation.Needs needs(ContainerConfig config) {
        List<String> directories = new ArrayList<>();
        List<String> files = new ArrayList<>(config.hostsFiles().keySet());
        for (MountSpec spec : config.mounts()) {
            (BoundMounts.isFile(spec) ? files : directories).add(spec.target());
        }
        return new RootPreparation.Needs(
                directories, files, Optional.of(config.process().cwd()), config.links());
    }

    @Override
    public OwnedFd mount(ContainerConfig config) throws ContainerizerException {
        try {
            return linux.files().duplicate(ready(config).fd);
        } catch (ErrnoException e) {
            throw new ContainerizerException("root of " + config.id().shortForm(), e);
        }
    }

    @Override
    public void adopt(ContainerId id, OwnedFd root) {
        Mounted adopted = new Mounted(root);
        adopted.adopted = true;
        Mounted before = mounts.put(id, adopted);
        if (before != null) {
            before.fd.close();
        }
    }

    @Override
    public void release(ContainerId id) {
        Mounted mounted = mounts.remove(id);
        if (mounted != null) {
            releases.release(id, mounted.fd);
        }
    }

    /** Closes all descriptors; layers and snapshots stay. */
    @Override
    public void close() {
        releases.close();
        mounts.values().forEach(m -> m.fd.close());
        mounts.clear();
        sources.values().forEach(SnapshotRoots::close);
        sources.clear();
    }
}
