package dev.berth.agent.cli.job;

import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.Flag;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;
import dev.berth.discovery.MasterAddress;
import dev.berth.jobs.JobException;
import dev.berth.jobs.MasterClient;
import dev.berth.jobs.Sandbox;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.Task;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.master.Protos.Call;
import dev.berth.protocol.v1.master.Protos.Response.GetAgents;
import dev.berth.protocol.v1.master.Protos.Response.GetFrameworks;
import dev.berth.protocol.v1.master.Protos.Response.GetTasks;

import java.util.List;

/** {@code berth job logs}. */
public final class JobLogsVerb implements Verb {
    @Override
    public VerbSpec spec() {
        return VerbSpec.of(
                        VerbSpec.Group.JOBS,
                        "logs JOB",
                        "Show what a worker has written so far",
                        1,
                        1,
                        MasterFlags.with(
                                Flag.value("rank", "N", "Which worker (default 0)"),
                                Flag.toggle("stderr", "Standard error instead of standard output")))
                .in("job")
                .examples("What the second worker wrote", "berth job logs --rank 1 1f0c2a9e-0003");
    }

    @Override
    public int run(Cli cli, Arguments arguments) throws UsageException, CliException {
        String rank = "." + arguments.number("rank", 0, 0);
        GetFrameworks.Framework job =
                Wire.job(
                        MasterFlags.ask(cli, arguments, Call.Type.GET_FRAMEWORKS)
                                .getGetFrameworks(),
                        arguments.operands().getFirst());
        FrameworkID id = job.getFrameworkInfo().getId();
        GetTasks all = MasterFlags.ask(cli, arguments, Call.Type.GET_TASKS).getGetTasks();
        List<Task> tasks = JobInspectVerb.tasks(all, id);
        if (tasks.isEmpty()) {
            throw new CliException(
                    1, "the job has started no worker; it is " + JobState.of(job, all));
        }
        Task task =
                tasks.stream()
                        .filter(it -> it.getTaskId().getValue().endsWith(rank))
                        .reduce((_, later) -> later)
                        .orElseThrow(() -> new CliException(1, "the job has no such worker"));
        String file = arguments.has("stderr") ? "stderr" : "stdout";
        return print(cli, arguments, task, file);
    }

    private static int print(Cli cli, Arguments arguments, Task task, String file)
            throws CliException {
        Sandbox sandbox =
                new Sandbox(
                        agent(cli, arguments, task),
                        task.getFrameworkId().getValue(),
                        task.getTaskId().getValue());
        long offset = 0;
        try (MasterClient client = MasterFlags.client(cli, arguments)) {
            for (var bytes = sandbox.read(client, file, 0);
                    !bytes.isEmpty();
                    bytes = sandbox.read(client, file, offset)) {
                byte[] some = bytes.toByteArray();
                cli.out().write(some, 0, some.length);
                offset += some.length;
            }
        } catch (JobException e) {
            if (e.isNotFound()) {
                // What never ran wrote nothing: there is no place to point at.
                throw new CliException(1, Wire.withoutOutput(task), e);
            }
            throw new CliException(1, e.getMessage() + "; the output is at " + sandbox, e);
        } catch (InterruptedException e) {
            throw MasterFlags.interrupted(e);
        }
        if (offset == 0 && Wire.neverRan(task)) {
            throw new CliException(1, Wire.withoutOutput(task));
        }
        return 0;
    }

    private static MasterAddress agent(Cli cli, Arguments arguments, Task task)
            throws CliException {
        GetAgents agents = MasterFlags.ask(cli, arguments, Call.Type.GET_AGENTS).getGetAgents();
        for (GetAgents.Agent agent : agents.getAgentsList()) {
            if (agent.getAgentInfo().getId().equals(task.getAgentId())) {
                return address(agent);
            }
        }
        throw new CliException(
                1,
                "the worker's agent "
                        + task.getAgentId().getValue()
                        + (task.getState() == TaskState.TASK_UNREACHABLE
                                ? " is unreachable; its output can be read when it is back"
                                : " is gone")
                        + (Wire.neverRan(task) ? "; " + Wire.withoutOutput(task) : ""));
    }

    /** As jobs find it while they run: by its number, since its host's name may mean nothing here. */
    private static MasterAddress address(GetAgents.Agent agent) {
        String pid = agent.getPid();
        int at = pid.indexOf('@');
        int colon = pid.lastIndexOf(':');
        String host =
                at >= 0 && colon > at + 1
                        ? pid.substring(at + 1, colon)
                        : agent.getAgentInfo().getHostname();
        return new MasterAddress(host, agent.getAgentInfo().getPort());
    }
}
