package dev.berth.master.scheduler;

import dev.berth.master.allocator.Role;
import dev.berth.master.cluster.Agent;
import dev.berth.master.cluster.Framework;
import dev.berth.master.cluster.ResourceException;
import dev.berth.master.cluster.ResourceWire;
import dev.berth.master.cluster.Wire;
import dev.berth.master.resources.Resources;
import dev.berth.protocol.v1.Protos.CheckInfo;
import dev.berth.protocol.v1.Protos.ContainerInfo;
import dev.berth.protocol.v1.Protos.HealthCheck;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.Value;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What a TaskInfo must hold to, alone or in a group. Each check says what is wrong, or nothing. */
final class TaskRules {
    private final Framework framework;
    private final Agent agent;
    private final Role role;

    /** Rules for tasks on what was offered of one agent for one role. */
    TaskRules(Framework framework, Agent agent, Role role) {
        this.framework = framework;
        this.agent = agent;
        this.role = role;
    }

    /** A task of its own. */
    Optional<String> problem(TaskInfo task) {
        if (task.hasCommand() == task.hasExecutor()) {
            return Optional.of("Task should have exactly one of CommandInfo or ExecutorInfo");
        }
        if (task.hasExecutor()) {
            return Optional.of(
                    "Task '"
                            + task.getTaskId().getValue()
                            + "' has an executor: custom executors are not there yet, use a command");
        }
        if (task.getContainer().getLinuxInfo().hasShareCgroups()
                && !task.getContainer().getLinuxInfo().getShareCgroups()) {
            return Optional.of("Only tasks of groups may set 'share_cgroups' to 'false'");
        }
        return any(task);
    }

    /** What holds for every task. */
    Optional<String> any(TaskInfo task) {
        return first(
                List.of(
                        identity(task),
                        container(
                                task.hasContainer()
                                        ? Optional.of(task.getContainer())
                                        : Optional.empty()),
                        times(task),
                        task.hasHealthCheck() ? health(task.getHealthCheck()) : Optional.empty(),
                        task.hasCheck() ? check(task.getCheck()) : Optional.empty()));
    }

    private static Optional<String> first(List<Optional<String>> problems) {
        return problems.stream().flatMap(Optional::stream).findFirst();
    }

    private Optional<String> identity(TaskInfo task) {
        String id = task.getTaskId().getValue();
        Optional<String> problem = Names.id(id);
        if (problem.isPresent()) {
            return problem.map(text -> "Task has an invalid ID: " + text);
        }
        if (framework.live().containsKey(Wire.taskId(task.getTaskId()))) {
            return Optional.of("Task has duplicate ID: " + id);
        }
        if (framework.unreachable().containsKey(Wire.taskId(task.getTaskId()))) {
            return Optional.of("Task has the ID of an unreachable task: " + id);
        }
        if (!Wire.agentId(task.getAgentId()).equals(agent.id())) {
            return Optional.of(
                    "Task uses invalid agent "
                            + task.getAgentId().getValue()
                            + " while agent "
                            + agent.id()
                            + " is expected");
        }
        return Optional.empty();
    }

    private static Optional<String> container(Optional<ContainerInfo> container) {
        if (container.isEmpty()) {
            return Optional.empty();
        }
        if (container.get().getType() == ContainerInfo.Type.DOCKER
                && !container.get().hasDocker()) {
            return Optional.of("DockerInfo 'docker' is not set for DOCKER typed ContainerInfo");
        }
        for (var parameter : container.get().getDocker().getParametersList()) {
            if (parameter.getKey().equals("name")) {
                return Optional.of("Parameter in DockerInfo must not be 'name'");
            }
        }
        return Optional.empty();
    }

    private static Optional<String> times(TaskInfo task) {
        if (task.getKillPolicy().getGracePeriod().getNanoseconds() < 0) {
            return Optional.of("Task's 'kill_policy.grace_period' must be non-negative");
        }
        if (task.getMaxCompletionTime().getNanoseconds() < 0) {
            return Optional.of("Task's 'max_completion_time' must be non-negative");
        }
        return Optional.empty();
    }

    private static Optional<String> health(HealthCheck check) {
        boolean whole =
                switch (check.getType()) {
                    case COMMAND -> check.hasCommand();
                    case HTTP -> check.hasHttp();
                    case TCP -> check.hasTcp();
                    case UNKNOWN -> false;
                };
        if (!whole) {
            return Optional.of(
                    "Task uses invalid health check: it must have a type, and what belongs to it");
        }
        boolean times =
                check.getDelaySeconds() >= 0
                        && check.getIntervalSeconds() >= 0
                        && check.getTimeoutSeconds() >= 0
                        && check.getGracePeriodSeconds() >= 0;
        return times
                ? Optional.empty()
                : Optional.of("Task uses invalid health check: its times must be non-negative");
    }

    private static Optional<String> check(CheckInfo check) {
        boolean whole =
                switch (check.getType()) {
                    case COMMAND -> check.hasCommand();
                    case HTTP -> check.hasHttp();
                    case TCP -> check.hasTcp();
                    case UNKNOWN -> false;
                };
        if (!whole) {
            return Optional.of(
                    "Task uses invalid check: it must have a type, and what belongs to it");
        }
        boolean times =
                check.getDelaySeconds() >= 0
                        && check.getIntervalSeconds() >= 0
                        && check.getTimeoutSeconds() >= 0;
        return times
                ? Optional.empty()
                : Optional.of("Task uses invalid check: its times must be non-negative");
    }

    /**
     * What a task or an executor takes.
     *
     * @param what of whom, for the message
     * @throws ResourceException when it is malformed, or for another role than was offered
     */
    Resources resources(String what, List<Resource> entries) throws ResourceException {
        Resources resources;
        Optional<String> allocated;
        try {
            resources = ResourceWire.read(entries);
            allocated = ResourceWire.role(entries);
        } catch (ResourceException e) {
            throw new ResourceException(what + " uses invalid resources: " + e.reason());
        }
        if (allocated.isPresent() && !allocated.get().equals(role.path())) {
            throw new ResourceException(
                    what
                            + " uses resources allocated to role '"
                            + allocated.get()
                            + "', the offer is for role '"
                            + role
                            + "'");
        }
        return resources;
    }

    /** Limits of a task that asks for {@code resources}. */
    static Optional<String> limits(TaskInfo task, Resources resources) {
        for (Map.Entry<String, Value.Scalar> limit : task.getLimitsMap().entrySet()) {
            String name = limit.getKey();
            if (!name.equals("cpus") && !name.equals("mem")) {
                return Optional.of(
                        "Task has a limit of '" + name + "': only cpus and mem can be limited");
            }
            double value = limit.getValue().getValue();
            if (!(value * 1000 + 0.5 >= resources.millis(name))) {
                return Optional.of(
                        "Task's limit of " + name + " (" + value + ") is below what it asks for");
            }
        }
        return Optional.empty();
    }
}
