package dev.berth.agent.cli.http;

import java.io.IOException;

/** The agent answered with an error. */
public final class EngineException extends IOException {
    private final int status;
    private final int exitCode;

    EngineException(int status, String message, int exitCode) {
        super(message);
        this.status = status;
        this.exitCode = exitCode;
    }

    /** The HTTP status. */
    public int status() {
        return status;
    }

    /** What {@code run} should exit with by the agent's word (125, 126, 127), 0 if it did not say. */
    public int exitCode() {
        return exitCode;
    }
}
