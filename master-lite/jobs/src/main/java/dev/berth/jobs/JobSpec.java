package dev.berth.jobs;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What to run, so many times at once.
 *
 * @param image what to run in; empty: the host's programs
 * @param command program and arguments; may be empty with an image, whose own is then run
 * @param memoryMib memory of each worker
 * @param workers how many, all or none
 * @param rules what is seldom said
 */
public record JobSpec(
        String name,
        Optional<String> image,
        List<String> command,
        Map<String, String> environment,
        String role,
        double cpus,
        long memoryMib,
        int gpus,
        int workers,
        JobRules rules) {
    /** Without rules of its own. */
    public JobSpec(
            String name,
            Optional<String> image,
            List<String> command,
            Map<String, String> environment,
            String role,
            double cpus,
            long memoryMib,
            int gpus,
            int workers) {
        this(
                name,
                image,
                command,
                environment,
                role,
                cpus,
                memoryMib,
                gpus,
                workers,
                JobRules.NONE);
    }

    public JobSpec {
        command = List.copyOf(command);
        // Sorted, so that the same job makes the same calls.
        environment = java.util.Collections.unmodifiableMap(new TreeMap<>(environment));
        if (image.isEmpty() && command.isEmpty()) {
            throw new IllegalArgumentException("neither image nor command");
        }
    }
}
