package dev.berth.agent.conductor;

import dev.berth.agent.config.ContainerSpec;
import dev.berth.agent.config.SpecTranslation.Identity;
import dev.berth.containerizer.launch.LaunchTimeline;
import dev.berth.isolator.ContainerId;

import java.util.List;
import java.util.Optional;

/**
 * A container as it was at one moment; immutable, for any thread. Times are realtime nanoseconds, 0 when it has not happened.
 *
 * @param run how many runs were started
 * @param exitCode of the last run
 * @param error why the last start failed, or empty
 * @param execs ids of execs that are known
 * @param exits the last runs, oldest first
 * @param timeline of the last start
 * @param warnings what the host could not enforce for the last start
 * @param devices ids of the devices that it holds now
 */
public record ContainerView(
        ContainerId id,
        String name,
        long createdNs,
        ContainerSpec spec,
        Identity identity,
        Status status,
        int run,
        int pid,
        long startedNs,
        long finishedNs,
        int exitCode,
        boolean oomKilled,
        String error,
        int restartCount,
        List<String> execs,
        List<Exit> exits,
        Optional<LaunchTimeline> timeline,
        List<String> warnings,
        List<String> devices) {
    /** One ended run. */
    public record Exit(int run, int code, boolean oomKilled, long startedNs, long finishedNs) {}
}
