package dev.berth.agent.cli;

import dev.berth.agent.AgentMain;
import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.Verb;

import java.util.List;

/** {@code berth agent}: its options are read by {@link AgentMain}, in the same words as dockerd's; this one is for the list of verbs. */
final class AgentVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                VerbSpec.Group.AGENT,
                "agent [OPTIONS]",
                "Run the agent in the foreground",
                0,
                VerbSpec.ANY,
                List.<Flag>of());
    }

    @Override
    public int run(Cli cli, Arguments arguments) {
        return run(arguments.operands());
    }

    /** Runs an agent until it is told to end. */
    static int run(List<String> options) {
        return AgentMain.run(options);
    }
}
