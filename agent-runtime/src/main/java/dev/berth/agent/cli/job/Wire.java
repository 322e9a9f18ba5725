package dev.berth.agent.cli.job;

import com.google.protobuf.Message;

import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.jobs.JobRun;
import dev.berth.protocol.MesosJson;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.Task;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.master.Protos.Response.GetFrameworks;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** What the master's answers say, in words. Pure functions. */
final class Wire {
    private Wire() {}

    /** One compact object, in the names of the wire. */
    static void print(Cli cli, Message message) {
        cli.out().println(new String(MesosJson.write(message), StandardCharsets.UTF_8));
    }

    /** The sum of one scalar resource, without needless digits. */
    static String sum(List<Resource> resources, String name) {
        double sum = 0;
        for (Resource resource : resources) {
            if (resource.getName().equals(name)) {
                sum += resource.getScalar().getValue();
            }
        }
        long thousandths = Math.round(sum * 1000);
        return thousandths % 1000 == 0
                ? Long.toString(thousandths / 1000)
                : Double.toString(thousandths / 1000.0);
    }

    /** Whether a limit of that resource holds on an offer's agent; true of an agent that does not say. */
    static boolean enforces(Offer offer, String resource) {
        List<String> said =
                offer.getAttributesList().stream()
                        .filter(attribute -> attribute.getName().equals("enforced"))
                        .map(attribute -> attribute.getText().getValue())
                        .toList();
        return said.isEmpty() || said.contains(resource);
    }

    /** Whether it is known that a task's command was never started. */
    static boolean neverRan(Task task) {
        List<TaskStatus> said = task.getStatusesList();
        return switch (task.getState()) {
            case TASK_STAGING, TASK_STARTING, TASK_ERROR, TASK_DROPPED -> true;
            case TASK_FAILED ->
                    !said.isEmpty()
                            && said.getLast().getReason()
                                    == TaskStatus.Reason.REASON_CONTAINER_LAUNCH_FAILED;
            default -> false;
        };
    }

    /** Why there is nothing to read of a task: how it stands, and what was said of it last. */
    static String withoutOutput(Task task) {
        String said =
                task.getStatusesList().stream()
                        .filter(it -> it.getState() == task.getState())
                        .map(TaskStatus::getMessage)
                        .reduce("", (_, later) -> later);
        return "worker "
                + task.getTaskId().getValue()
                + (neverRan(task) ? " has not run (" : " has no output on its agent (")
                + task.getState()
                + (said.isEmpty() ? ")" : ": " + said + ")");
    }

    /** Those frameworks that are jobs: live ones, then ended ones. */
    static List<GetFrameworks.Framework> jobs(GetFrameworks all) {
        List<GetFrameworks.Framework> jobs = new ArrayList<>();
        all.getFrameworksList().stream().filter(Wire::isJob).forEach(jobs::add);
        all.getCompletedFrameworksList().stream().filter(Wire::isJob).forEach(jobs::add);
        return jobs;
    }

    private static boolean isJob(GetFrameworks.Framework framework) {
        return framework.getFrameworkInfo().getLabels().getLabelsList().stream()
                .anyMatch(label -> label.getKey().equals(JobRun.LABEL));
    }

    /** The job of that id, or the latest of that name; a live one before one that has ended. */
    static GetFrameworks.Framework job(GetFrameworks all, String word) throws CliException {
        for (GetFrameworks.Framework job : jobs(all)) {
            if (job.getFrameworkInfo().getId().getValue().equals(word)) {
                return job;
            }
        }
        return latest(all.getFrameworksList(), word)
                .or(() -> latest(all.getCompletedFrameworksList(), word))
                .orElseThrow(() -> new CliException(1, "no such job: " + word));
    }

    private static java.util.Optional<GetFrameworks.Framework> latest(
            List<GetFrameworks.Framework> among, String name) {
        return among.stream()
                .filter(Wire::isJob)
                .filter(job -> job.getFrameworkInfo().getName().equals(name))
                .max(
                        java.util.Comparator.comparingLong((GetFrameworks.Framework job) ->
                                job.getRegisteredTime().getNanoseconds()));
    }
}
