package dev.berth.agent.cli.run;

import dev.berth.agent.cli.http.EngineException;

import java.util.Locale;

/** Exit codes when a program could not be started, as docker's scripts expect them. */
final class ExitCodes {
    /** The container could not be made. */
    static final int NOT_STARTED = 125;

    /** The program is there but cannot be executed. */
    static final int NOT_EXECUTABLE = 126;

    /** There is no such program. */
    static final int NOT_FOUND = 127;

    private ExitCodes() {}

    /** By the agent's word, else by the message's, as the docker command line does; {@code otherwise} when neither says. */
    static int of(EngineException failure, int otherwise) {
        if (failure.exitCode() != 0) {
            return failure.exitCode();
        }
        String message = String.valueOf(failure.getMessage()).toLowerCase(Locale.ROOT);
        if (message.contains("executable file not found")
                || message.contains("no such file or directory")) {
            return NOT_FOUND;
        }
        if (message.contains("permission denied")
                || message.contains("is a directory")
                || message.contains("exec format error")) {
            return NOT_EXECUTABLE;
        }
        return otherwise;
    }
}
