package dev.berth.containerizer;

import dev.berth.containerizer.launch.LaunchTimeline;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.ResourceLimits;
import dev.berth.isolator.Usage;
import dev.berth.linux.Fd;
import dev.berth.linux.OwnedFd;

import java.util.List;
import java.util.Optional;

/**
 * Owner of all containers of one agent. Commands return at once; results come as {@link ContainerEvent}s from {@link #poll}.
 *
 * <p>Thread: conductor only, except {@link #prepareRoot} and {@link #removeRoot} (file lane, blocking).
 */
public interface Containerizer extends AutoCloseable {
    /**
     * Makes the container's writable layer durable and remembers where its layers are. Once before the first start, and again before the first start after the agent was restarted; a layer that exists stays as it is. File lane.
     */
    void prepareRoot(ContainerId id, RootSource source) throws ContainerizerException;

    /** Removes the writable layer; unknown ids are no-ops. File lane. */
    void removeRoot(ContainerId id) throws ContainerizerException;

    /**
     * Resolves what must be read inside the root: {@code user} (all six forms of image-spec config "User") to numbers and groups, and HOME. File lane.
     */
    ResolvedUser resolveUser(ContainerId id, String user, List<String> extraGroups)
            throws ContainerizerException;

    /**
     * Does ahead what a start needs and what does not touch the container's processes: mounts the root, makes the mount points and the working directory in it, plans and encodes the launch. Optional, but it takes half
     * of the conductor's part off a start; call it before each start with a configuration equal to the one that {@link #start} gets. File lane.
     */
    void prepareStart(ContainerConfig config) throws ContainerizerException;

    /** Starts one run. Result: {@link ContainerEvent.Started} or {@link ContainerEvent.StartFailed}. The configuration's id says which container. */
    void start(ContainerConfig config, LogLimits log);

    /** Starts a further process in a running container; its standard streams are given (ownership moves here) or, with a terminal, come back in {@link ContainerEvent.ExecStarted}. */
    void exec(ContainerId id, ExecId exec, ExecSpec spec);

    /** Sends a signal to the container's first process; false when it is not running. */
    boolean signal(ContainerId id, int signal) throws ContainerizerException;

    /** Kills every process of the container (cgroup.kill). */
    void kill(ContainerId id) throws ContainerizerException;

    /** Freezes or thaws the container's cgroup; result: {@link ContainerEvent.Paused}. */
    void pause(ContainerId id, boolean paused) throws ContainerizerException;

    /** Makes a change of a running container's limits ready; refuses what cannot be enforced and must be. The caller applies it on its kernel lane, one at a time for each container, and closes it. */
    LimitUpdate update(ContainerId id, ResourceLimits limits) throws ContainerizerException;

    /**
     * Makes the devices of {@code config} those of its running container, live: the device program is replaced in one step, then nodes that are new are made in its {@code /dev} and those that went are removed. Files that
     * are open already stay open: the kernel asks the program at open only. Nothing else of the configuration is looked at.
     *
     * @throws ContainerizerException when it does not run, or something stands in the way of a node; the program is the new one then
     */
    void updateDevices(ContainerConfig config) throws ContainerizerException;

    /** Looks whether what guards running containers stands as it was set up and restores it: to be called every few seconds. Returns the containers that had to be put right. */
    List<ContainerId> verify() throws ContainerizerException;

    /** A fresh usage sample; empty when it does not run. */
    Optional<Usage> usage(ContainerId id) throws ContainerizerException;

    /** Host pids of all processes, from {@code cgroup.procs}. */
    List<Integer> processes(ContainerId id) throws ContainerizerException;

    /** The input of a running container: the stdin pipe's write end, or the pty master, non-blocking; a duplicate that the caller owns. Empty when there is none. */
    Optional<OwnedFd> input(ContainerId id) throws ContainerizerException;

    /** Closes the agent's and the monitor's end of standard input: the process reads EOF once every duplicate of {@link #input} is closed too. */
    void closeStdin(ContainerId id) throws ContainerizerException;

    void resize(ContainerId id, int rows, int columns) throws ContainerizerException;

    void resizeExec(ContainerId id, ExecId exec, int rows, int columns)
            throws ContainerizerException;

    /** Kills one exec'd process. */
    boolean signalExec(ContainerId id, ExecId exec, int signal) throws ContainerizerException;

    /** The monitored descriptors that want reading: the caller puts them on its event loop and calls {@link #poll} when one is readable. */
    void onDescriptors(DescriptorListener listener);

    /** Delivers at most {@code limit} events; returns how many. Never blocks. */
    int poll(ContainerEventHandler handler, int limit);

    /**
     * Finds again what runs: called once, before anything else, with the containers that the caller's checkpoint says were started. Exits of the meantime come as events; what is unknown inside our own roots is
     * destroyed.
     */
    void recover(List<KnownContainer> known) throws ContainerizerException;

    /** What this host cannot enforce, in sentences for people ("memory limits are not enforced: ..."), and what it can, by name ("memory", "cpu", "pids", "io", "cpuset", "devices"). */
    Enforcement enforcement();

    /** Both levels of a launch as text, from the encoded bytes; starts nothing. */
    String plan(ContainerConfig config) throws ContainerizerException;

    @Override
    void close();

    /** Receives events on the conductor's thread. */
    @FunctionalInterface
    interface ContainerEventHandler {
        void onEvent(ContainerEvent event);
    }

    /** A change of limits that is ready. */
    interface LimitUpdate extends AutoCloseable {
        /** Writes it to the kernel. Kernel lane: it may block. */
        void apply() throws ContainerizerException;

        /** Any thread. */
        @Override
        void close();
    }

    /** Told when a descriptor must be watched for input, or no more. */
    interface DescriptorListener {
        void watch(Fd fd);

        void unwatch(Fd fd);
    }

    /** Where the root comes from. */
    sealed interface RootSource {
        /** An overlay over these layers (O_PATH directories, base first, ownership moves). */
        record Layers(List<OwnedFd> layers, boolean durable) implements RootSource {}

        /** A host directory used as it is. */
        record Directory(String path) implements RootSource {}
    }

    /** @param home from the image's passwd, {@code /} when absent */
    record ResolvedUser(int uid, int gid, List<Integer> groups, String home) {}

    /** Rotation of the container's log: 0 bytes means no rotation. */
    record LogLimits(int maxBytes, int maxFiles) {}

    /** Docker's 64-digit exec id. */
    record ExecId(String value) {}

    /** @param streams standard input, output and error for the process, or empty with {@code tty} */
    record ExecSpec(
            ContainerConfig.ProcessSpec process,
            ContainerConfig.Security security,
            boolean tty,
            int rows,
            int columns,
            List<OwnedFd> streams) {}

    /** A container of the caller's checkpoint. */
    record KnownContainer(ContainerConfig config, boolean started) {}

    /** See {@link #enforcement}. */
    record Enforcement(List<String> warnings, List<String> enforced) {}

    /** What happened. */
    sealed interface ContainerEvent {
        ContainerId id();

        record Started(ContainerId id, int pid, LaunchTimeline timeline, List<String> warnings)
                implements ContainerEvent {}

        /** {@code code} 126 or 127 when the program could not be executed, else 125. */
        record StartFailed(ContainerId id, int code, String message) implements ContainerEvent {}

        record Oom(ContainerId id) implements ContainerEvent {}

        record Paused(ContainerId id, boolean paused) implements ContainerEvent {}

        /** The run has ended, none of its processes is left, and its output is in the log to the last byte. Its cgroup and mounts go next: a start or a removal that is asked for now waits for them. */
        record Exited(ContainerId id, ExitStatus status) implements ContainerEvent {}

        /** {@code terminal} is the pty master of an exec with a terminal: the receiver owns it. */
        record ExecStarted(ContainerId id, ExecId exec, int pid, Optional<OwnedFd> terminal)
                implements ContainerEvent {}

        record ExecFailed(ContainerId id, ExecId exec, int code, String message)
                implements ContainerEvent {}

        record ExecExited(ContainerId id, ExecId exec, ExitStatus status)
                implements ContainerEvent {}
    }
}
