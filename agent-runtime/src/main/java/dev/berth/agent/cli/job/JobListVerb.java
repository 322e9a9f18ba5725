package dev.berth.agent.cli.job;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Format;
import dev.berth.agent.cli.session.Verb;
import dev.berth.agent.cli.view.Table;
import dev.berth.protocol.v1.master.Protos.Call;
import dev.berth.protocol.v1.master.Protos.Response.GetFrameworks;
import dev.berth.protocol.v1.master.Protos.Response.GetTasks;

/** {@code berth job ls}. */
public final class JobListVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.JOBS,
                        "ls",
                        "List jobs",
                        0,
                        0,
                        MasterFlags.with(
                                Flag.toggle("all", "Those too that have ended").letter('a'),
                                Format.FLAG))
                .in("job")
                .examples(
                        "What runs",
                        "berth job ls",
                        "What ran, for a program",
                        "berth job ls -a --format json");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException {
        boolean json = Format.isJson(arguments);
        GetFrameworks all =
                MasterFlags.ask(cli, arguments, Call.Type.GET_FRAMEWORKS).getGetFrameworks();
        GetTasks tasks = MasterFlags.ask(cli, arguments, Call.Type.GET_TASKS).getGetTasks();
        Table table = new Table("JOB", "NAME", "STATE", "CPUS", "MEM (MIB)", "GPUS");
        for (GetFrameworks.Framework job : Wire.jobs(all)) {
            boolean ended = job.hasUnregisteredTime();
            if (ended && !arguments.has("all")) {
                continue;
            }
            if (json) {
                Wire.print(cli, job);
            }
            table.row(
                    job.getFrameworkInfo().getId().getValue(),
                    job.getFrameworkInfo().getName(),
                    JobState.of(job, tasks),
                    Wire.sum(job.getAllocatedResourcesList(), "cpus"),
                    Wire.sum(job.getAllocatedResourcesList(), "mem"),
                    Wire.sum(job.getAllocatedResourcesList(), "gpus"));
        }
        if (!json) {
            cli.out().print(table);
        }
        return 0;
    }
}
