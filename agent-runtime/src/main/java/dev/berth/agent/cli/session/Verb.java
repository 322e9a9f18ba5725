package dev.berth.agent.cli.session;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;

import java.io.IOException;

/** One verb of the command line. */
public interface Verb {
    /** Exit code for "the command line itself failed": docker's choice, so that a container's own codes stay apart. */
    int FAILED_BEFORE_CONTAINER = 125;

    VerbSpec spec();

    /**
     * Does it.
     *
     * @return the exit code
     * @throws UsageException when the flags contradict each other or cannot be read
     * @throws CliException with a message and an exit code
     * @throws IOException when the agent fails or goes away; exit code {@link #failureCode}
     */
    int run(Cli cli, Arguments arguments) throws UsageException, CliException, IOException;

    /** Exit code when the agent answers with an error. */
    default int failureCode() {
        return 1;
    }
}
