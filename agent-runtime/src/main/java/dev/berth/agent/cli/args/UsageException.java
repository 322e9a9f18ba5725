package dev.berth.agent.cli.args;

/** The command line does not say what to do. The message names the word and, where there is one, the nearest right one. */
public final class UsageException extends Exception {
    public UsageException(String message) {
        super(message);
    }
}
