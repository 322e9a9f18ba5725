package dev.berth.master.scheduler;

import dev.berth.master.cluster.AgentRecord;
import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.Framework;
import dev.berth.master.cluster.Statuses;
import dev.berth.master.cluster.Task;
import dev.berth.master.cluster.Wire;
import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.TaskId;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.TaskStatus.Reason;
import dev.berth.protocol.v1.scheduler.Protos.Call;

import java.util.List;
import java.util.Optional;

/** What the master knows of tasks that a framework asks about. */
final class Reconciling {
    private final Cluster cluster;

    Reconciling(Cluster cluster) {
        this.cluster = cluster;
    }

    /** RECONCILE: of the tasks that are named, or of all that are known when none is. */
    void reconcile(Framework framework, List<Call.Reconcile.Task> tasks) {
        if (tasks.isEmpty()) {
            for (Task task : List.copyOf(framework.live().values())) {
                tell(framework, known(task));
            }
            for (Task task : List.copyOf(framework.unreachable().values())) {
                tell(framework, unreachable(framework, task));
            }
            return;
        }
        for (Call.Reconcile.Task task : tasks) {
            one(
                    framework,
                    Wire.taskId(task.getTaskId()),
                    task.hasAgentId()
                            ? Optional.of(Wire.agentId(task.getAgentId()))
                            : Optional.empty());
        }
    }

    /** Tells of one task; says nothing while its agent may still come with it. */
    void one(Framework framework, TaskId id, Optional<AgentId> agent) {
        Task live = framework.live().get(id);
        Task unreachable = framework.unreachable().get(id);
        if (live != null) {
            tell(framework, known(live));
        } else if (unreachable != null) {
            tell(framework, unreachable(framework, unreachable));
        } else {
            unknown(framework, id, agent).ifPresent(status -> tell(framework, status));
        }
    }

    private void tell(Framework framework, TaskStatus.Builder status) {
        cluster.send(framework, Statuses.update(status.build()));
    }

    private TaskStatus.Builder known(Task task) {
        TaskStatus.Builder status =
                status(
                        task.id(),
                        Optional.of(task.agent()),
                        task.toldState(),
                        "Reconciliation: Latest task state");
        int last = task.value().getStatusesCount() - 1;
        if (last >= 0) {
            TaskStatus latest = task.value().getStatuses(last);
            if (latest.hasHealthy()) {
                status.setHealthy(latest.getHealthy());
            }
            if (latest.hasContainerStatus()) {
                status.setContainerStatus(latest.getContainerStatus());
            }
            if (latest.hasCheckStatus()) {
                status.setCheckStatus(latest.getCheckStatus());
            }
        }
        task.executor().ifPresent(id -> status.setExecutorId(Wire.executorId(id)));
        return status;
    }

    private TaskStatus.Builder unreachable(Framework framework, Task task) {
        TaskStatus.Builder status =
                status(
                        task.id(),
                        Optional.of(task.agent()),
                        Statuses.orLost(framework, TaskState.TASK_UNREACHABLE),
                        "Reconciliation: Task is unreachable");
        task.unreachableNs().ifPresent(since -> status.setUnreachableTime(Wire.time(since)));
        return status;
    }

    private Optional<TaskStatus.Builder> unknown(
            Framework framework, TaskId id, Optional<AgentId> agent) {
        boolean awaited =
                agent.isPresent()
                        ? cluster.recovered().containsKey(agent.get())
                        : !cluster.recovered().isEmpty();
        if (awaited) {
            return Optional.empty();
        }
        if (agent.isPresent() && cluster.agent(agent.get()).isPresent()) {
            return Optional.of(
                    status(
                            id,
                            agent,
                            Statuses.orLost(framework, TaskState.TASK_GONE),
                            "Reconciliation: Task is unknown to the agent"));
        }
        AgentRecord away = agent.map(cluster.unreachable()::get).orElse(null);
        if (away != null) {
            return Optional.of(
                    status(
                                    id,
                                    agent,
                                    Statuses.orLost(framework, TaskState.TASK_UNREACHABLE),
                                    "Reconciliation: Task is unreachable")
                            .setUnreachableTime(Wire.time(away.sinceNs())));
        }
        if (agent.isPresent() && cluster.gone().containsKey(agent.get())) {
            return Optional.of(
                    status(
                            id,
                            agent,
                            Statuses.orLost(framework, TaskState.TASK_GONE_BY_OPERATOR),
                            "Reconciliation: Task is gone by operator"));
        }
        return Optional.of(
                status(
                        id,
                        agent,
                        Statuses.orLost(framework, TaskState.TASK_UNKNOWN),
                        "Reconciliation: Task is unknown"));
    }

    private TaskStatus.Builder status(
            TaskId id, Optional<AgentId> agent, TaskState state, String message) {
        return Statuses.of(
                id, agent, state, Reason.REASON_RECONCILIATION, message, cluster.nowNs());
    }
}
