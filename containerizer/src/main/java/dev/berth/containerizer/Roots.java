package dev.berth.containerizer;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;
import dev.berth.linux.OwnedFd;

import java.util.List;

/** Root file systems by container: what the containerizer needs of them. Thread: file lane, except {@link #mount} and {@link #release}; calls for one container come one at a time. */
public interface Roots {
    /** See {@link Containerizer#prepareRoot}. */
    void prepare(ContainerId id, Containerizer.RootSource source) throws ContainerizerException;

    /** See {@link Containerizer#removeRoot}. */
    void remove(ContainerId id) throws ContainerizerException;

    /** See {@link Containerizer#resolveUser}. */
    Containerizer.ResolvedUser resolveUser(ContainerId id, String user, List<String> extraGroups)
            throws ContainerizerException;

    /** See {@link Containerizer#prepareStart}. */
    void prepareStart(ContainerConfig config) throws ContainerizerException;

    /** The detached root of the next run, with all mount points in it. Conductor: cheap after {@link #prepareStart}, otherwise about a quarter of a millisecond. */
    OwnedFd mount(ContainerConfig config) throws ContainerizerException;

    /** A run of a former agent goes on, and this is its root: nothing is mounted a second time beside it. Takes the descriptor over. Conductor. */
    void adopt(ContainerId id, OwnedFd root);

    /** The run is over: lets its root go, soon and elsewhere; what comes next for this container waits for that. Conductor; an unknown id is a no-op. */
    void release(ContainerId id);
}
