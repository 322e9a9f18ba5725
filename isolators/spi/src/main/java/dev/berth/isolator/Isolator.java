package dev.berth.isolator;

import java.util.List;
import java.util.Set;

/**
 * One concern of isolation: Mesos's verbs, split into what is pure and what touches the kernel.
 *
 * <p>Thread: {@link #plan} and {@link #planExec} any; the others as they say.
 */
public interface Isolator {
    /** Such as {@code cgroup2/memory}: configuration key, log field, counter label, owner in plans. */
    String name();

    /** What it adds to the launch: pure, no descriptor, no file, no system call. */
    LaunchContribution plan(ContainerConfig config) throws IsolatorException;

    /** What it adds to a further process in a running container: pure. */
    default LaunchContribution planExec(ContainerConfig container, ExecConfig exec)
            throws IsolatorException {
        return LaunchContribution.NONE;
    }

    /** Does what must be done on the host before the launch, journalled by the caller, and fills its slots. Conductor thread, so it must be quick: into an empty cgroup nothing blocks. */
    default void acquire(ContainerConfig config, LaunchPlan plan, Slots slots)
            throws IsolatorException {}

    /** Called once at start: containers that run, and identities of which only remains may exist, which are removed. Conductor thread. */
    default void recover(Set<ContainerId> known, Set<ContainerId> orphans)
            throws IsolatorException {}

    /** Makes a change of a running container's limits ready. Conductor thread, never blocks; what it returns is applied on the kernel lane, in order for each container. */
    default LimitChange update(ContainerId id, ResourceLimits limits) throws IsolatorException {
        return LimitChange.NONE;
    }

    /** Makes the devices of {@code config} those of its running container, live; nothing else of the configuration is looked at. Conductor thread. */
    default void updateDevices(ContainerConfig config) throws IsolatorException {}

    /**
     * Looks whether what guards running containers still stands as it was set up, and puts right what somebody changed. Conductor thread, every few seconds, so it must be quick.
     *
     * @return the containers that had to be put right since the last call
     * @throws IsolatorException when one could not be; the others were tried all the same
     */
    default List<ContainerId> verify() throws IsolatorException {
        return List.of();
    }

    /** Tells what containers ran into since the last call (Mesos's watch); returns how much work was done. Conductor thread, never blocks. */
    default int poll(LimitationHandler handler) {
        return 0;
    }

    /** Removes what {@link #acquire} made. Idempotent; an unknown id is a no-op. */
    default void cleanup(ContainerId id) throws IsolatorException {}

    /** Receives limitations. */
    @FunctionalInterface
    interface LimitationHandler {
        void onLimitation(ContainerId id, Limitation limitation);
    }
}
