package dev.berth.agent.tasks;

import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HexFormat;
import java.util.Set;
import java.util.stream.Collectors;

/** Where the files of tasks are. Any thread. */
public record TaskPaths(Path dataRoot) {
    /** Of a file, in bytes. */
    private static final int LONGEST_NAME = 255;

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

    /** An id as the name of a file: itself, but where the agent's locale has no such letters; then in ASCII. */
    static String name(String id) {
        try {
            return Path.of(id).toString();
        } catch (InvalidPathException _) {
            StringBuilder ascii = new StringBuilder();
            for (byte each : id.getBytes(StandardCharsets.UTF_8)) {
                ascii.append(
                        each > 0
                                ? String.valueOf((char) each)
                                : HexFormat.of()
                                        .withPrefix("%")
                                        .withUpperCase()
                                        .formatHex(new byte[] {each}));
            }
            return ascii.substring(0, Math.min(LONGEST_NAME, ascii.length()));
        }
    }

    /** What an executor's tasks share; the sandbox itself of a command. */
    Path run(TaskEntry entry) {
        Path runs =
                sandboxes()
                        .resolve("frameworks")
                        .resolve(name(entry.framework.getValue()))
                        .resolve("executors")
                        .resolve(name(entry.executorId()))
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
                ? run.resolve("tasks").resolve(name(entry.info.getTaskId().getValue()))
                : run;
    }
}
