package dev.berth.agent.tasks;

import java.nio.file.Path;
import java.util.Collection;
import java.util.Set;
import java.util.stream.Collectors;

/** Where the files of tasks are. Any thread. */
public record TaskPaths(Path dataRoot) {
    /** Where containers see their sandbox. */
    public static final String INSIDE = "/mnt/mesos/sandbox";

    Path journalDirectory() {
        return dataRoot.resolve("agent/tasks");
    }

    /** Says how far the log of each container was copied. */
    Path positions() {
        return journalDirectory().resolve("positions");
    }

    Path position(String container) {
        return positions().resolve(container);
    }

    /** One file for each sandbox whose tasks are over: when that was. */
    Path endings() {
        return journalDirectory().resolve("ended");
    }

    /** Sandboxes that are being removed. */
    Path trash() {
        return sandboxes().resolve("trash");
    }

    /** The root of commands without an image. */
    Path hostRoot() {
        return dataRoot.resolve("hostroot");
    }

    /** Holds all sandboxes. */
    public Path sandboxes() {
        return dataRoot.resolve("sandboxes");
    }

    /** What an executor's tasks share; the sandbox itself of a command. */
    Path run(TaskEntry entry) {
        Path runs =
                sandboxes()
                        .resolve("frameworks")
                        .resolve(entry.framework.getValue())
                        .resolve("executors")
                        .resolve(entry.executorId())
                        .resolve("runs");
        // Tasks of one group are launched together and share the first part of their names.
        String name = entry.container;
        return runs.resolve(entry.executor.isPresent() ? name.substring(0, GROUP_NAME) : name);
    }

    /** What {@link #run} is of these. */
    Set<Path> runs(Collection<TaskEntry> entries) {
        return entries.stream().map(this::run).collect(Collectors.toSet());
    }

    /** What the names of tasks' containers begin with. */
    static final String CONTAINER = "berth-";

    /** {@code berth-} and 16 hex digits. */
    static final int GROUP_NAME = 22;

    Path sandbox(TaskEntry entry) {
        Path run = run(entry);
        return entry.executor.isPresent()
                ? run.resolve("tasks").resolve(entry.info.getTaskId().getValue())
                : run;
    }
}
