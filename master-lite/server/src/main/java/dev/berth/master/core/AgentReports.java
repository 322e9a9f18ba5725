package dev.berth.master.core;

import dev.berth.master.allocator.Role;
import dev.berth.master.cluster.Agent;
import dev.berth.master.cluster.Capabilities;
import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.ExecutorUse;
import dev.berth.master.cluster.Framework;
import dev.berth.master.cluster.Messages;
import dev.berth.master.cluster.ResourceException;
import dev.berth.master.cluster.ResourceWire;
import dev.berth.master.cluster.Statuses;
import dev.berth.master.cluster.Task;
import dev.berth.master.cluster.Wire;
import dev.berth.master.ids.FrameworkId;
import dev.berth.master.ids.TaskId;
import dev.berth.master.resources.Resources;
import dev.berth.master.scheduler.FrameworkRules;
import dev.berth.protocol.TaskStates;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.ExecutorInfo;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;

import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Brings the master's view of an agent in line with what the agent says it runs. The agent is right, but for what was to end meanwhile. */
final class AgentReports {
    private final Cluster cluster;

    AgentReports(Cluster cluster) {
        this.cluster = cluster;
    }

    /**
     * Takes an agent's whole truth.
     *
     * @param wasUnreachable whether its frameworks took its tasks for unreachable
     */
    void merge(Agent agent, Link.Register register, boolean wasUnreachable) {
        for (FrameworkInfo info : register.getFrameworksList()) {
            meet(agent, info);
        }
        Set<Agent.ExecutorKey> executors = new HashSet<>();
        for (ExecutorInfo executor : register.getExecutorsList()) {
            executor(agent, executor)
                    .ifPresent(
                            use -> executors.add(new Agent.ExecutorKey(use.framework(), use.id())));
        }
        Set<Agent.TaskKey> tasks = new LinkedHashSet<>();
        for (Protos.Task task : register.getTasksList()) {
            tasks.add(
                    new Agent.TaskKey(
                            Wire.frameworkId(task.getFrameworkId()),
                            Wire.taskId(task.getTaskId())));
            task(agent, task, wasUnreachable);
        }
        for (Task task : List.copyOf(agent.tasks().values())) {
            if (!tasks.contains(new Agent.TaskKey(task.framework(), task.id()))) {
                missing(agent, task);
            }
        }
        for (ExecutorUse executor : List.copyOf(agent.executors().values())) {
            if (!executors.contains(new Agent.ExecutorKey(executor.framework(), executor.id()))) {
                cluster.framework(executor.framework())
                        .ifPresent(framework -> cluster.tasks().exited(framework, agent, executor));
            }
        }
        neverBack(agent);
    }

    private void meet(Agent agent, FrameworkInfo info) {
        FrameworkId id = Wire.frameworkId(info.getId());
        Optional<Framework> known = cluster.framework(id);
        if (cluster.completed(id).isPresent()) {
            cluster.send(agent, Messages.shutdownFramework(info.getId()));
        } else if (known.isPresent()) {
            if (!known.get().info().equals(info)) {
                cluster.send(agent, Messages.updateFramework(known.get().info()));
            }
        } else if (!id.value().isEmpty() && FrameworkRules.problem(info, List.of()).isEmpty()) {
            cluster.addFramework(id, info, Set.of(), true);
        }
    }

    private Optional<ExecutorUse> executor(Agent agent, ExecutorInfo info) {
        FrameworkId id = Wire.frameworkId(info.getFrameworkId());
        Optional<Framework> framework = cluster.framework(id);
        if (framework.isEmpty()) {
            return Optional.empty();
        }
        Optional<ExecutorUse> known = agent.executor(id, Wire.executorId(info.getExecutorId()));
        if (known.isPresent()) {
            return known;
        }
        ExecutorUse use =
                new ExecutorUse(
                        id,
                        info,
                        role(framework.get(), info.getResourcesList()),
                        resources(info.getResourcesList()));
        cluster.tasks().adopt(framework.get(), agent, use);
        return Optional.of(use);
    }

    private void task(Agent agent, Protos.Task reported, boolean wasUnreachable) {
        FrameworkId id = Wire.frameworkId(reported.getFrameworkId());
        Optional<Framework> framework = cluster.framework(id);
        if (framework.isEmpty()) {
            return;
        }
        TaskId taskId = Wire.taskId(reported.getTaskId());
        Optional<Task> known = agent.task(id, taskId);
        if (known.isPresent()) {
            cluster.tasks().found(known.get(), reported);
            if (!TaskStates.isTerminal(known.get().state())) {
                known.get()
                        .killOrder()
                        .ifPresent(order ->
                                cluster.send(agent, Messages.kill(known.get(), order.policy())));
            }
            return;
        }
        Protos.Task whole = reported.toBuilder().setAgentId(Wire.agentId(agent.id())).build();
        Task task =
                new Task(
                        whole,
                        role(framework.get(), reported.getResourcesList()),
                        resources(reported.getResourcesList()));
        if (framework.get().live().containsKey(taskId)) {
            // Its framework used the name again while nobody knew of this one.
            cluster.send(agent, Messages.kill(task, Optional.empty()));
            return;
        }
        cluster.tasks().adopt(framework.get(), agent, task);
        if (wasUnreachable && !TaskStates.isTerminal(task.state())) {
            cluster.send(
                    framework.get(),
                    Statuses.update(
                            Statuses.of(
                                            task.id(),
                                            Optional.of(agent.id()),
                                            task.state(),
                                            TaskStatus.Reason.REASON_AGENT_REREGISTERED,
                                            "Agent " + agent.id() + " is back",
                                            cluster.nowNs())
                                    .build()));
        }
    }

    private void missing(Agent agent, Task task) {
        Framework framework = cluster.framework(task.framework()).orElseThrow();
        if (TaskStates.isTerminal(task.state())) {
            cluster.tasks().complete(framework, agent, task);
            return;
        }
        cluster.tasks()
                .end(
                        framework,
                        agent,
                        task,
                        Statuses.of(
                                        task.id(),
                                        Optional.of(agent.id()),
                                        Statuses.orLost(framework, TaskState.TASK_DROPPED),
                                        TaskStatus.Reason.REASON_RECONCILIATION,
                                        "The agent does not know of the task",
                                        cluster.nowNs())
                                .build());
    }

    /** Tasks that were unreachable with this agent, which has come back without them. */
    private void neverBack(Agent agent) {
        for (Framework framework : cluster.frameworks()) {
            for (Task task : List.copyOf(framework.unreachable().values())) {
                if (task.agent().equals(agent.id())) {
                    TaskState state = Statuses.orLost(framework, TaskState.TASK_GONE);
                    TaskStatus status =
                            Statuses.of(
                                            task.id(),
                                            Optional.of(agent.id()),
                                            state,
                                            TaskStatus.Reason.REASON_RECONCILIATION,
                                            "The agent is back without the task",
                                            cluster.nowNs())
                                    .build();
                    // Who is told TASK_LOST when an agent goes away is told nothing more.
                    cluster.tasks()
                            .neverBack(framework, task, status, state != TaskState.TASK_LOST);
                }
            }
        }
    }

    private static Role role(Framework framework, List<Resource> resources) {
        try {
            Optional<String> role = ResourceWire.role(resources);
            if (role.isPresent() && Role.problem(role.get()).isEmpty()) {
                return new Role(role.get());
            }
        } catch (ResourceException e) {
            // Only what the master accepted is running: a mixture would be the agent's own.
        }
        return Capabilities.roles(framework.info()).stream()
                .findFirst()
                .map(Role::new)
                .orElse(Role.DEFAULT);
    }

    private static Resources resources(List<Resource> resources) {
        try {
            return ResourceWire.read(resources);
        } catch (ResourceException e) {
            // Nobody could have been offered these.
            return Resources.EMPTY;
        }
    }
}
