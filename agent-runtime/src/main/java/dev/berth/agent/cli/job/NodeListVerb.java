package dev.berth.agent.cli.job;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Format;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.view.Table;
import dev.berth.protocol.v1.master.Protos.Call;
import dev.berth.protocol.v1.master.Protos.Response;

/** {@code berth node ls}. */
public final class NodeListVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.JOBS,
                        "ls",
                        "List a master's agents: what they have, and what of it is in use",
                        0,
                        0,
                        MasterFlags.with(Format.FLAG))
                .in("node")
                .examples(
                        "Who is there",
                        "berth node ls",
                        "For a program",
                        "berth node ls --format json | jq .");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException {
        boolean json = Format.isJson(arguments);
        Response.GetAgents agents =
                MasterFlags.ask(cli, arguments, Call.Type.GET_AGENTS).getGetAgents();
        Table table = new Table("AGENT", "HOST", "STATE", "CPUS", "MEM (MIB)", "GPUS");
        for (Response.GetAgents.Agent agent : agents.getAgentsList()) {
            if (json) {
                Wire.print(cli, agent);
            }
            table.row(
                    agent.getAgentInfo().getId().getValue(),
                    agent.getAgentInfo().getHostname(),
                    agent.getActive() ? "active" : "inactive",
                    use(agent, "cpus"),
                    use(agent, "mem"),
                    use(agent, "gpus"));
        }
        if (!json) {
            cli.out().print(table);
        }
        return 0;
    }

    private static String use(Response.GetAgents.Agent agent, String name) {
        return Wire.sum(agent.getAllocatedResourcesList(), name)
                + " of "
                + Wire.sum(agent.getTotalResourcesList(), name);
    }
}
