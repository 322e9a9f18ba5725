package dev.berth.agent.cli;

import dev.berth.agent.cli.container.EachContainerVerb;
import dev.berth.agent.cli.container.EachContainerVerb.Action;
import dev.berth.agent.cli.container.EventsVerb;
import dev.berth.agent.cli.container.InspectVerb;
import dev.berth.agent.cli.container.LogsVerb;
import dev.berth.agent.cli.container.PsVerb;
import dev.berth.agent.cli.container.StatsVerb;
import dev.berth.agent.cli.container.TopVerb;
import dev.berth.agent.cli.devicekit.DevicekitVerb;
import dev.berth.agent.cli.doctor.DoctorVerb;
import dev.berth.agent.cli.gpu.GpuAttachVerb;
import dev.berth.agent.cli.gpu.GpuAttachVerb.Direction;
import dev.berth.agent.cli.gpu.GpuExplainVerb;
import dev.berth.agent.cli.gpu.GpuHealthVerb;
import dev.berth.agent.cli.gpu.GpuListVerb;
import dev.berth.agent.cli.gpu.GpuReleaseVerb;
import dev.berth.agent.cli.gpu.GpuSimulatorVerb;
import dev.berth.agent.cli.gpu.GpuTopVerb;
import dev.berth.agent.cli.gpu.GpuTopologyVerb;
import dev.berth.agent.cli.hostcheck.GpuHostCheckVerb;
import dev.berth.agent.cli.image.ImagesVerb;
import dev.berth.agent.cli.image.LoadVerb;
import dev.berth.agent.cli.image.PullVerb;
import dev.berth.agent.cli.image.RmiVerb;
import dev.berth.agent.cli.image.TagVerb;
import dev.berth.agent.cli.job.JobInspectVerb;
import dev.berth.agent.cli.job.JobKillVerb;
import dev.berth.agent.cli.job.JobListVerb;
import dev.berth.agent.cli.job.JobLogsVerb;
import dev.berth.agent.cli.job.JobRunVerb;
import dev.berth.agent.cli.job.NodeListVerb;
import dev.berth.agent.cli.job.OffersVerb;
import dev.berth.agent.cli.quickstart.QuickstartVerb;
import dev.berth.agent.cli.run.AttachVerb;
import dev.berth.agent.cli.run.ExecVerb;
import dev.berth.agent.cli.run.RunVerb;
import dev.berth.agent.cli.run.StartVerb;
import dev.berth.agent.cli.session.Verb;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/** All verbs by name. A verb's classes are loaded when it is asked for, so that the number of verbs does not slow each down. */
final class Verbs {
    /** In the order of the help. */
    static final List<String> NAMES =
            List.of(
                    "run",
                    "create",
                    "start",
                    "stop",
                    "restart",
                    "kill",
                    "pause",
                    "unpause",
                    "wait",
                    "rm",
                    "exec",
                    "attach",
                    "logs",
                    "ps",
                    "inspect",
                    "top",
                    "stats",
                    "events",
                    "plan",
                    "pull",
                    "load",
                    "images",
                    "tag",
                    "rmi",
                    "gpu ls",
                    "gpu topo",
                    "gpu top",
                    "gpu health",
                    "gpu explain",
                    "gpu attach",
                    "gpu detach",
                    "gpu release",
                    "gpu sim",
                    "devicekit run",
                    "gpu-host-check",
                    "job run",
                    "job ls",
                    "job logs",
                    "job inspect",
                    "job kill",
                    "node ls",
                    "offers",
                    "agent",
                    "quickstart",
                    "doctor",
                    "version");

    /** First words of verbs that have two. */
    static final Set<String> FAMILIES = Set.of("gpu", "devicekit", "job", "node");

    private Verbs() {}

    static Optional<Verb> named(String name) {
        return switch (name) {
            case "run" -> Optional.of(new RunVerb(RunVerb.Kind.RUN));
            case "create" -> Optional.of(new RunVerb(RunVerb.Kind.CREATE));
            case "plan" -> Optional.of(new RunVerb(RunVerb.Kind.PLAN));
            case "start" -> Optional.of(new StartVerb());
            case "attach" -> Optional.of(new AttachVerb());
            case "exec" -> Optional.of(new ExecVerb());
            case "stop" -> Optional.of(new EachContainerVerb(Action.STOP));
            case "kill" -> Optional.of(new EachContainerVerb(Action.KILL));
            case "restart" -> Optional.of(new EachContainerVerb(Action.RESTART));
            case "pause" -> Optional.of(new EachContainerVerb(Action.PAUSE));
            case "unpause" -> Optional.of(new EachContainerVerb(Action.UNPAUSE));
            case "rm" -> Optional.of(new EachContainerVerb(Action.RM));
            case "wait" -> Optional.of(new EachContainerVerb(Action.WAIT));
            case "ps" -> Optional.of(new PsVerb());
            case "logs" -> Optional.of(new LogsVerb());
            case "inspect" -> Optional.of(new InspectVerb());
            case "top" -> Optional.of(new TopVerb());
            case "stats" -> Optional.of(new StatsVerb());
            case "events" -> Optional.of(new EventsVerb());
            case "images" -> Optional.of(new ImagesVerb());
            case "pull" -> Optional.of(new PullVerb());
            case "load" -> Optional.of(new LoadVerb());
            case "tag" -> Optional.of(new TagVerb());
            case "rmi" -> Optional.of(new RmiVerb());
            case "gpu ls" -> Optional.of(new GpuListVerb());
            case "gpu topo" -> Optional.of(new GpuTopologyVerb());
            case "gpu top" -> Optional.of(new GpuTopVerb());
            case "gpu health" -> Optional.of(new GpuHealthVerb());
            case "gpu explain" -> Optional.of(new GpuExplainVerb());
            case "gpu attach" -> Optional.of(new GpuAttachVerb(Direction.ATTACH));
            case "gpu detach" -> Optional.of(new GpuAttachVerb(Direction.DETACH));
            case "gpu release" -> Optional.of(new GpuReleaseVerb());
            case "gpu sim" -> Optional.of(new GpuSimulatorVerb());
            case "devicekit run" -> Optional.of(new DevicekitVerb());
            case "gpu-host-check" -> Optional.of(new GpuHostCheckVerb());
            case "job run" -> Optional.of(new JobRunVerb());
            case "job ls" -> Optional.of(new JobListVerb());
            case "job logs" -> Optional.of(new JobLogsVerb());
            case "job inspect" -> Optional.of(new JobInspectVerb());
            case "job kill" -> Optional.of(new JobKillVerb());
            case "node ls" -> Optional.of(new NodeListVerb());
            case "offers" -> Optional.of(new OffersVerb());
            case "agent" -> Optional.of(new AgentVerb());
            case "quickstart" -> Optional.of(new QuickstartVerb());
            case "doctor" -> Optional.of(new DoctorVerb());
            case "version" -> Optional.of(new VersionVerb());
            default -> Optional.empty();
        };
    }
}
