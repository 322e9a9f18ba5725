package dev.berth.linux.process;

import dev.berth.linux.Fd;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What to start, completely: nothing is inherited from the agent but its user, its limits and its namespaces.
 *
 * @param program the executable
 * @param argv the arguments from {@code argv[0]} on
 * @param environment all of the program's environment
 * @param cgroup the directory of a cgroup that the program is moved to right after its start
 */
public record HelperCommand(
        Program program, List<String> argv, Map<String, String> environment, Optional<Fd> cgroup) {

    public HelperCommand {
        argv = List.copyOf(argv);
        environment = Map.copyOf(environment);
        if (argv.isEmpty()) {
            throw new IllegalArgumentException("a program needs at least argv[0]");
        }
        for (String name : environment.keySet()) {
            if (name.isEmpty() || name.contains("=")) {
                throw new IllegalArgumentException(
                        "not the name of an environment variable: '" + name + "'");
            }
        }
    }

    /** A program at an absolute path, with {@code argv[0]} as given, in no cgroup of its own. */
    public static HelperCommand of(
            String path, List<String> argv, Map<String, String> environment) {
        return new HelperCommand(new Program.AtPath(path), argv, environment, Optional.empty());
    }

    /** A program that is already open; see {@link Program.Open}. */
    public static HelperCommand of(Fd file, List<String> argv, Map<String, String> environment) {
        return new HelperCommand(new Program.Open(file), argv, environment, Optional.empty());
    }

    List<String> environmentStrings() {
        return environment.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).toList();
    }

    /** Where the executable is. */
    public sealed interface Program {
        /** A binary or a script at an absolute path. */
        record AtPath(String path) implements Program {}

        /** An open binary, such as a sealed memfd. Not a script: its interpreter would find the descriptor closed. */
        record Open(Fd file) implements Program {}
    }
}
