package dev.berth.agent.cli.job;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.master.Protos.Call;
import dev.berth.protocol.v1.master.Protos.Response.GetFrameworks;

/** {@code berth job kill}. */
public final class JobKillVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.JOBS,
                        "kill JOB [JOB...]",
                        "End jobs: all their workers are killed",
                        1,
                        VerbSpec.ANY,
                        MasterFlags.with())
                .in("job")
                .examples("One job, by its id in berth job ls", "berth job kill 1f0c2a9e-0003");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws CliException {
        GetFrameworks all =
                MasterFlags.ask(cli, arguments, Call.Type.GET_FRAMEWORKS).getGetFrameworks();
        for (String word : arguments.operands()) {
            FrameworkID id = Wire.job(all, word).getFrameworkInfo().getId();
            MasterFlags.ask(
                    cli,
                    arguments,
                    Call.newBuilder()
                            .setType(Call.Type.TEARDOWN)
                            .setTeardown(Call.Teardown.newBuilder().setFrameworkId(id))
                            .build());
            cli.out().println(id.getValue());
        }
        return 0;
    }
}
