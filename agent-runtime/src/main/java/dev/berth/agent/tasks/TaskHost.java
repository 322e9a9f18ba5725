package dev.berth.agent.tasks;

import dev.berth.agent.conductor.Answer;
import dev.berth.agent.conductor.ConductorProxy;
import dev.berth.isolator.ContainerId;

import java.io.IOException;
import java.nio.file.Path;

/** The agent around the tasks. Conductor thread; answers come on it too. */
public interface TaskHost {
    long monotonicNs();

    long realtimeNs();

    /** Runs a step at a moment of CLOCK_MONOTONIC; what is returned takes it back. */
    Runnable at(long atNs, Runnable step);

    /** Runs a step after a time, which may be longer than the clock goes; what is returned takes it back. */
    default Runnable after(long ns, Runnable step) {
        long now = monotonicNs();
        return at(ns > Long.MAX_VALUE - now ? Long.MAX_VALUE : now + ns, step);
    }

    /** Runs what may block on files. */
    void onLane(Runnable job);

    /** Runs a step on the conductor's thread soon. Any thread. */
    void offer(Runnable step);

    /** Makes sure that an image is there; {@code fresh} asks the registry even if it is. */
    void image(String reference, boolean fresh, Answer<Boolean> answer);

    /** Containers by name; answers come on the conductor's thread. */
    ConductorProxy containers();

    /** Where a container's log is. */
    Path logOf(ContainerId id);

    /** Which part of the disk with the sandboxes is used, 0 to 1. The lane for files. */
    double diskUsage() throws IOException;

    /** The IP address under which this host's network is known, as the master is told. */
    String address();

    /** Connections that health checks make. */
    Probes probes();
}
