package dev.berth.isolator;

import dev.berth.linux.Fd;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What the containerizer asks of the cgroup tree {@code ROOT/{agent,monitors,helpers,c/ID}}: set operations on all processes of a container, beyond the limits that the cgroup isolators write.
 * Processes of a container are directly in its cgroup {@code ROOT/c/ID}. The directories of a container are made by the cgroup isolator's acquire; {@link #remove} belongs to its cleanup.
 *
 * <p>Thread: conductor, except {@link #remove} (kernel lane or conductor). Every method is a no-op or empty for an id without a cgroup. Source: Documentation/admin-guide/cgroup-v2.rst.
 */
public interface CgroupControl {
    /** The directory that monitors are cloned into ({@code ROOT/monitors}); owned here, open as long as this object. */
    Fd monitors();

    /** Kills every process below {@code ROOT/c/ID} (cgroup.kill); also forks that happen at the same time. */
    void kill(ContainerId id) throws IsolatorException;

    /** Writes cgroup.freeze; {@link #frozen} tells when it is done. */
    void freeze(ContainerId id, boolean frozen) throws IsolatorException;

    /** Whether all processes are frozen ({@code frozen} of cgroup.events). */
    boolean frozen(ContainerId id) throws IsolatorException;

    /** Whether a process, even a zombie that waits for its parent, is left ({@code populated} of cgroup.events). */
    boolean populated(ContainerId id) throws IsolatorException;

    /** Host pids of all processes, of all cgroups below {@code ROOT/c/ID}, ascending. */
    List<Integer> processes(ContainerId id) throws IsolatorException;

    Usage usage(ContainerId id) throws IsolatorException;

    /** Removes {@code ROOT/c/ID} with all that the container made below it; false when processes are left (EBUSY): kill and try again. */
    boolean remove(ContainerId id) throws IsolatorException;

    /** The containers that have a cgroup now, for recovery. */
    Set<ContainerId> present() throws IsolatorException;

    /** Names of the resources that this host can enforce: "cpu", "memory", "pids", "io", "cpuset", "devices", "freeze". */
    Set<String> enforced();

    /** What cannot be enforced and why, in sentences for people. */
    List<String> warnings();

    /** Which of these limits cannot be enforced and why; {@link #warnings()} cut to what a container asks for. */
    default List<String> warnings(ResourceLimits limits) {
        return List.of();
    }

    /** A descriptor that is readable when {@link #populated} or {@link #frozen} of some container may have changed, or one ran out of memory; {@link Isolator#poll} of the cgroup isolator drains it. Owned here. */
    default Optional<Fd> events() {
        return Optional.empty();
    }
}
