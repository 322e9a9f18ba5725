package dev.berth.master.scheduler;

import dev.berth.master.cluster.Agent;
import dev.berth.master.cluster.ExecutorUse;
import dev.berth.master.cluster.Framework;
import dev.berth.master.cluster.Wire;
import dev.berth.master.ids.ExecutorId;
import dev.berth.master.resources.Resources;
import dev.berth.protocol.v1.Protos.ContainerInfo;
import dev.berth.protocol.v1.Protos.ExecutorInfo;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.TaskGroupInfo;
import dev.berth.protocol.v1.Protos.TaskInfo;

import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/** What a LAUNCH_GROUP must hold to. Each check says what is wrong, or nothing. */
final class GroupRules {
    private static final long MIN_MILLICPUS = 10;
    private static final long MIN_MEM_MILLIS = 32_000;

    private GroupRules() {}

    /** An executor that is to run a group. */
    static Optional<String> executor(ExecutorInfo executor, Framework framework, Agent agent) {
        String id = executor.getExecutorId().getValue();
        Optional<String> problem = Names.id(id);
        if (problem.isPresent()) {
            return problem.map(text -> "Executor has an invalid ID: " + text);
        }
        if (!executor.hasType() || executor.getType() == ExecutorInfo.Type.UNKNOWN) {
            return Optional.of("'ExecutorInfo.type' must be set");
        }
        if (executor.getType() == ExecutorInfo.Type.CUSTOM) {
            return Optional.of(
                    "Executor '"
                            + id
                            + "' is CUSTOM: custom executors are not there yet, use DEFAULT");
        }
        if (executor.hasCommand()) {
            return Optional.of("'ExecutorInfo.command' must not be set for 'DEFAULT' executor");
        }
        if (executor.hasContainer()) {
            ContainerInfo container = executor.getContainer();
            if (container.getType() != ContainerInfo.Type.MESOS) {
                return Optional.of(
                        "'ExecutorInfo.container.type' must be 'MESOS' for 'DEFAULT' executor");
            }
            if (container.getMesos().hasImage()) {
                return Optional.of(
                        "'ExecutorInfo.container.mesos.image' must not be set for 'DEFAULT' executor");
            }
        }
        if (executor.hasFrameworkId()
                && !Wire.frameworkId(executor.getFrameworkId()).equals(framework.id())) {
            return Optional.of(
                    "ExecutorInfo has an invalid FrameworkID: "
                            + executor.getFrameworkId().getValue());
        }
        Optional<ExecutorUse> there = agent.executor(framework.id(), new ExecutorId(id));
        if (there.isPresent() && !same(there.get().info(), executor)) {
            return Optional.of(
                    "ExecutorInfo is not compatible with the existing one of ID '" + id + "'");
        }
        return Optional.empty();
    }

    private static boolean same(ExecutorInfo known, ExecutorInfo next) {
        FrameworkID none = FrameworkID.newBuilder().setValue("").build();
        return known.toBuilder()
                .setFrameworkId(none)
                .clearResources()
                .build()
                .equals(next.toBuilder().setFrameworkId(none).clearResources().build());
    }

    /** What an executor takes for itself. */
    static Optional<String> executorResources(Resources resources) {
        if (resources.millis("cpus") < MIN_MILLICPUS) {
            return Optional.of("Executor of a group must have at least 0.01 cpus");
        }
        if (resources.millis("mem") < MIN_MEM_MILLIS) {
            return Optional.of("Executor of a group must have at least 32 MB of mem");
        }
        if (resources.millis("disk") == 0) {
            return Optional.of("Executor of a group must have disk");
        }
        return Optional.empty();
    }

    /** The group as a whole. */
    static Optional<String> group(TaskGroupInfo group) {
        if (group.getTasksCount() == 0) {
            return Optional.of("Task group cannot be empty");
        }
        Set<String> ids = new HashSet<>();
        boolean share = shares(group.getTasks(0));
        for (TaskInfo task : group.getTasksList()) {
            String id = task.getTaskId().getValue();
            if (!ids.add(id)) {
                return Optional.of("Task '" + id + "' is twice in the group");
            }
            if (task.hasExecutor()) {
                return Optional.of("'TaskInfo.executor' must not be set");
            }
            if (task.getContainer().hasDocker() || isDocker(task)) {
                return Optional.of("Docker ContainerInfo is not supported on the task");
            }
            if (task.getContainer().getNetworkInfosCount() > 0) {
                return Optional.of("NetworkInfos must not be set on the task");
            }
            if (shares(task) != share) {
                return Optional.of("All tasks of an executor must set the same 'share_cgroups'");
            }
            if (share && task.getLimitsCount() > 0) {
                return Optional.of(
                        "Resource limits need 'share_cgroups' set to 'false' on the tasks of a group");
            }
        }
        return Optional.empty();
    }

    private static boolean isDocker(TaskInfo task) {
        return task.hasContainer() && task.getContainer().getType() == ContainerInfo.Type.DOCKER;
    }

    private static boolean shares(TaskInfo task) {
        return task.getContainer().getLinuxInfo().getShareCgroups();
    }
}
