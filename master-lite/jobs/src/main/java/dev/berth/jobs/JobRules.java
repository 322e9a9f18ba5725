package dev.berth.jobs;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What of a job is seldom said.
 *
 * @param user whom its processes belong to, by name or number; empty: the image's user, root for the host's programs
 * @param volumes directories of the agents' hosts
 * @param constraints all of them hold on every agent with a worker
 * @param grace from SIGTERM to SIGKILL when a worker is ended; empty: the agent's choice
 * @param limit how long a worker may run; empty: as long as it wants
 * @param unreachable how long a worker may be unreachable before the job has failed; empty: for ever
 */
public record JobRules(
        Optional<String> user,
        List<Volume> volumes,
        List<Constraint> constraints,
        Optional<Duration> grace,
        Optional<Duration> limit,
        Optional<Duration> unreachable) {
    /** As long as Kubernetes and Slurm wait for a node: an agent that restarts or a switch that does is back sooner. */
    public static final Duration DEFAULT_UNREACHABLE = Duration.ofMinutes(5);

    /** Nothing said. */
    public static final JobRules NONE =
            new JobRules(
                    Optional.empty(),
                    List.of(),
                    List.of(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.of(DEFAULT_UNREACHABLE));

    /** A directory or file of the agent's host, seen at {@code path}. */
    public record Volume(String host, String path, boolean readOnly) {}

    public JobRules {
        volumes = List.copyOf(volumes);
        constraints = List.copyOf(constraints);
    }
}
