package dev.berth.agent;

import dev.berth.agent.config.AgentConfig;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.agent.device.DeviceSetup;
import dev.berth.agent.device.DeviceSources;
import dev.berth.containerizer.Containerizer;
import dev.berth.containerizer.ContainerizerException;
import dev.berth.containerizer.ContainerizerSettings;
import dev.berth.containerizer.HostContainerizer;
import dev.berth.containerizer.SnapshotRoots;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.ImageStore;
import dev.berth.containerizer.image.registry.RegistryOptions;
import dev.berth.containerizer.image.store.DirectoryImageStore;
import dev.berth.containerizer.image.store.ImageStoreOptions;
import dev.berth.containerizer.snapshot.SnapshotException;
import dev.berth.containerizer.snapshot.Snapshots;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.cgroup2.Cgroup2Control;
import dev.berth.isolator.standard.StandardIsolators;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * What the conductor drives: the real one on this kernel, or one that a test makes.
 *
 * @param logDirectory where a container's log is
 * @param generatedFile where a generated file of a container must be
 * @param devices where devices come from
 * @param opened what is closed at the end, in this order, after the containerizer
 */
public record Machinery(
        Containerizer containerizer,
        ImageStore images,
        Function<ContainerId, Path> logDirectory,
        BiFunction<ContainerId, String, Path> generatedFile,
        DeviceSetup devices,
        Deque<AutoCloseable> opened) {
    private static final long SPAWNER_PATIENCE_NS = 500_000_000L;

    /** Puts the machinery of one agent together; on the conductor's thread. */
    @FunctionalInterface
    public interface Maker {
        Machinery make(Linux linux, AgentConfig config) throws AgentException;
    }

    /** The real one. Takes the locks of both roots; whoever holds them is named in the failure. */
    public static Machinery onThisHost(Linux linux, AgentConfig config) throws AgentException {
        Deque<AutoCloseable> opened = new ArrayDeque<>();
        try {
            Path data = Files.createDirectories(config.dataRoot());
            Files.createDirectories(config.execRoot());
            Cgroup2Control cgroups = Cgroup2Control.open(linux, config.cgroupParent());
            opened.push(cgroups);
            opened.push(() -> removeEmptyTree(cgroups));
            OwnedFd dataRoot = linux.files().openat(Fd.CWD, data.toString(), Open.O_DIRECTORY, 0);
            opened.push(dataRoot);
            Snapshots snapshots = Snapshots.open(linux, dataRoot);
            opened.push(snapshots);
            SnapshotRoots roots = new SnapshotRoots(linux, snapshots);
            opened.push(roots);
            List<Isolator> isolators = new ArrayList<>(cgroups.isolators());
            isolators.addAll(StandardIsolators.of(linux));
            HostContainerizer containerizer =
                    HostContainerizer.open(
                            linux,
                            new ContainerizerSettings(
                                    data,
                                    config.execRoot(),
                                    ContainerizerSettings.DEFAULT_NETWORK_NAMESPACES,
                                    AgentLog::warn),
                            isolators,
                            cgroups,
                            roots);
            opened.push(containerizer);
            ImageStore images = images(linux, config);
            opened.push(images);
            return new Machinery(
                    containerizer,
                    images,
                    containerizer::logDirectory,
                    containerizer::generatedFile,
                    devices(linux, config, cgroups, opened),
                    opened);
        } catch (IOException
                | ErrnoException
                | IsolatorException
                | SnapshotException
                | ImageException
                | ContainerizerException e) {
            close(opened);
            throw AgentException.failed("prepare " + config.dataRoot(), e);
        }
    }

    private static DeviceSetup devices(
            Linux linux, AgentConfig config, Cgroup2Control cgroups, Deque<AutoCloseable> opened)
            throws AgentException {
        return DeviceSources.open(linux, config, cgroups.helpers(), opened);
    }

    /** Without containers the agent's cgroups are of no more use; the spawner in them takes a moment to end. */
    private static void removeEmptyTree(Cgroup2Control cgroups) throws IsolatorException {
        long deadline = System.nanoTime() + SPAWNER_PATIENCE_NS;
        while (cgroups.present().isEmpty()
                && !cgroups.removeTree()
                && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(1_000_000);
        }
    }

    private static ImageStore images(Linux linux, AgentConfig config) throws ImageException {
        RegistryOptions registry =
                RegistryOptions.defaults()
                        .withInsecureRegistries(new HashSet<>(config.insecureRegistries()));
        return DirectoryImageStore.open(
                linux, config.dataRoot(), ImageStoreOptions.defaults().withRegistry(registry));
    }

    /** Lets everything go that is the agent's; containers go on. On the conductor's thread. */
    void close() {
        close(opened);
    }

    private static void close(Deque<AutoCloseable> opened) {
        while (!opened.isEmpty()) {
            AutoCloseable next = opened.pop();
            try {
                next.close();
            } catch (Exception e) {
                AgentLog.error("close " + next.getClass().getSimpleName(), e);
            }
        }
    }
}
