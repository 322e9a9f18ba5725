package dev.berth.protocol;

import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.Task;
import dev.berth.protocol.v1.Protos.TaskInfo;

/** A task as master and agent describe it to each other and to operators. Any thread. */
public final class TaskDescription {
    private TaskDescription() {}

    /** What of a task's order is shown: all but what it runs and its data. The caller adds state, executor and statuses. */
    public static Task.Builder of(TaskInfo info, FrameworkID framework) {
        Task.Builder task =
                Task.newBuilder()
                        .setName(info.getName())
                        .setTaskId(info.getTaskId())
                        .setFrameworkId(framework)
                        .setAgentId(info.getAgentId())
                        .addAllResources(info.getResourcesList())
                        .putAllLimits(info.getLimitsMap());
        if (info.hasLabels()) {
            task.setLabels(info.getLabels());
        }
        if (info.hasDiscovery()) {
            task.setDiscovery(info.getDiscovery());
        }
        if (info.hasContainer()) {
            task.setContainer(info.getContainer());
        }
        if (info.hasHealthCheck()) {
            task.setHealthCheck(info.getHealthCheck());
        }
        if (info.hasKillPolicy()) {
            task.setKillPolicy(info.getKillPolicy());
        }
        if (info.getCommand().hasUser()) {
            task.setUser(info.getCommand().getUser());
        }
        return task;
    }
}
