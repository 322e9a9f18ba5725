package dev.berth.agent.cli.job;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.Task;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.master.Protos.Call;
import dev.berth.protocol.v1.master.Protos.Response.GetFrameworks;
import dev.berth.protocol.v1.master.Protos.Response.GetTasks;

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
        GetTasks tasks = MasterFlags.ask(cli, arguments, Call.Type.GET_TASKS).getGetTasks();
        int code = 0;
        for (String word : arguments.operands()) {
            try {
                kill(cli, arguments, Wire.job(all, word), tasks);
            } catch (CliException e) {
                cli.err().println("berth: " + e.getMessage());
                code = e.exitCode();
            }
        }
        return code;
    }

    private static void kill(
            Cli cli, Arguments arguments, GetFrameworks.Framework job, GetTasks tasks)
            throws CliException {
        FrameworkID id = job.getFrameworkInfo().getId();
        if (job.hasUnregisteredTime()) {
            throw new CliException(1, "job " + id.getValue() + " has ended already");
        }
        MasterFlags.ask(
                cli,
                arguments,
                Call.newBuilder()
                        .setType(Call.Type.TEARDOWN)
                        .setTeardown(Call.Teardown.newBuilder().setFrameworkId(id))
                        .build());
        cli.out().println(id.getValue());
        for (Task task : JobInspectVerb.tasks(tasks, id)) {
            if (task.getState() == TaskState.TASK_UNREACHABLE) {
                cli.err()
                        .println(
                                "berth: task "
                                        + task.getTaskId().getValue()
                                        + " runs on: agent "
                                        + task.getAgentId().getValue()
                                        + " is unreachable, and kills it when it is back");
            }
        }
    }
}
