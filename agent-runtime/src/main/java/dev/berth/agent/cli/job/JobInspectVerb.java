package dev.berth.agent.cli.job;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.Task;
import dev.berth.protocol.v1.master.Protos.Call;
import dev.berth.protocol.v1.master.Protos.Response.GetFrameworks;
import dev.berth.protocol.v1.master.Protos.Response.GetTasks;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code berth job inspect}. */
public final class JobInspectVerb implements Verb {
    private static final Pattern ATTEMPT = Pattern.compile(".*-[0-9a-f]+-(\\d)\\.\\d+");

    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.JOBS,
                        "inspect JOB",
                        "Show all that the master knows of a job: the framework, then its tasks, one JSON object a line",
                        1,
                        1,
                        MasterFlags.with())
                .in("job")
                .examples("Everything of one job", "berth job inspect 1f0c2a9e-0003 | jq .");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws CliException {
        GetFrameworks.Framework job =
                Wire.job(
                        MasterFlags.ask(cli, arguments, Call.Type.GET_FRAMEWORKS)
                                .getGetFrameworks(),
                        arguments.operands().getFirst());
        Wire.print(cli, job);
        for (Task task :
                every(
                        MasterFlags.ask(cli, arguments, Call.Type.GET_TASKS).getGetTasks(),
                        job.getFrameworkInfo().getId())) {
            Wire.print(cli, task);
        }
        return 0;
    }

    /** All of a job's, those of its last try only: a gang of which a part was never started is tried again under other names. */
    static List<Task> tasks(GetTasks all, FrameworkID job) {
        List<Task> tasks = every(all, job);
        int last = tasks.stream().mapToInt(JobInspectVerb::attempt).max().orElse(1);
        tasks.removeIf(task -> attempt(task) != last);
        return tasks;
    }

    /** Of {@code NAME-KEY.RANK} 1, of {@code NAME-KEY-3.RANK} 3. */
    private static int attempt(Task task) {
        Matcher name = ATTEMPT.matcher(task.getTaskId().getValue());
        return name.matches() ? Integer.parseInt(name.group(1)) : 1;
    }

    private static List<Task> every(GetTasks all, FrameworkID job) {
        List<Task> tasks = new ArrayList<>(all.getTasksList());
        tasks.addAll(all.getUnreachableTasksList());
        tasks.addAll(all.getCompletedTasksList());
        tasks.removeIf(task -> !task.getFrameworkId().equals(job));
        return tasks;
    }
}
