package dev.berth.agent.device;

import dev.berth.isolator.ContainerId;

import java.util.Map;
import java.util.Optional;

/** What the desk needs of the agent around it. Conductor, except {@link #offer}. */
public interface DeviceHost {
    /** CLOCK_MONOTONIC. */
    long monotonicNs();

    /** Nanoseconds since the epoch. */
    long realtimeNs();

    /** Runs what may block on files. */
    void onLane(Runnable job);

    /** Runs something on the conductor's thread soon. Any thread. */
    void offer(Runnable step);

    /** An event of type {@code gpu}: {@code grant}, {@code release}, {@code clean}, {@code quarantine}, {@code health}, {@code attach}, {@code detach}, {@code source}. */
    void tell(String action, String actor, Map<String, String> attributes);

    /** Tells a container's watchers that a device it holds has a fault; {@code blamed}: whose process it was. */
    void tellHolder(ContainerId holder, String device, String reason, Optional<ContainerId> blamed);

    /** Ends a container because of a device; its restart policy decides what follows. */
    void kill(ContainerId container, String reason);

    /** The nodes of devices that a running container holds have other numbers now. */
    void renumbered(ContainerId container);

    /** The container of a process in the host's pid namespace. */
    Optional<ContainerId> containerOf(int pid);
}
