package dev.berth.master.cluster;

import dev.berth.master.allocator.Allocator;
import dev.berth.protocol.TaskStates;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;

import java.util.Optional;
import java.util.OptionalLong;

/** The steps of tasks and executors: each leaves a task in one place and its resources with one owner. */
public final class Tasks {
    private final Cluster cluster;
    private final Allocator allocator;

    Tasks(Cluster cluster, Allocator allocator) {
        this.cluster = cluster;
        this.allocator = allocator;
    }

    /** A task begins with resources that were taken from an offer. */
    public void launch(Framework framework, Agent agent, Task task) {
        framework.addLive(task);
        agent.add(task);
        cluster.watcher().onTaskAdded(task);
    }

    /** An executor begins with resources that were taken from an offer. */
    public void launch(Framework framework, Agent agent, ExecutorUse executor) {
        agent.add(executor);
        framework.addExecutor(agent.id(), executor.id());
    }

    /** An agent reports a task that the master does not have, with resources that nobody offered. */
    public void adopt(Framework framework, Agent agent, Task task) {
        if (task.isHolding()) {
            allocator.charge(framework.id(), task.role(), agent.id(), task.resources());
        }
        // The same task of before the agent was away, as another object.
        Task before = framework.unreachable().get(task.id());
        if (before != null && before.agent().equals(agent.id())) {
            framework.forgetUnreachable(before);
        }
        framework.addLive(task);
        agent.add(task);
        cluster.watcher().onTaskAdded(task);
    }

    /** An agent reports an executor that the master does not have. */
    public void adopt(Framework framework, Agent agent, ExecutorUse executor) {
        allocator.charge(framework.id(), executor.role(), agent.id(), executor.resources());
        agent.add(executor);
        framework.addExecutor(agent.id(), executor.id());
    }

    /** An agent that was away for a while reports a task that the master has. */
    public void found(Task task, dev.berth.protocol.v1.Protos.Task reported) {
        TaskState before = task.state();
        task.found(reported);
        settle(task, before);
    }

    /** A status update of an agent; it is passed on as it is, whether it came before or not. */
    public void updated(Agent agent, Link.StatusUpdate update) {
        cluster.counts().add(Count.STATUS_UPDATES);
        Optional<Framework> framework =
                cluster.framework(Wire.frameworkId(update.getFrameworkId()));
        if (framework.isEmpty()) {
            cluster.counts().add(Count.INVALID_UPDATES);
            if (cluster.completed(Wire.frameworkId(update.getFrameworkId())).isPresent()) {
                cluster.send(agent, Messages.shutdownFramework(update.getFrameworkId()));
            }
            return;
        }
        TaskStatus.Builder whole = update.getStatus().toBuilder();
        whole.setAgentId(Wire.agentId(agent.id()));
        if (!whole.hasTimestamp()) {
            whole.setTimestamp(cluster.nowNs() / 1e9);
        }
        TaskStatus status = whole.build();
        cluster.send(framework.get(), Statuses.update(status));
        Optional<Task> task =
                agent.task(framework.get().id(), Wire.taskId(update.getStatus().getTaskId()));
        if (task.isEmpty()) {
            cluster.counts().add(Count.INVALID_UPDATES);
            return;
        }
        cluster.counts().add(Count.VALID_UPDATES);
        TaskState latest = update.hasLatestState() ? update.getLatestState() : status.getState();
        TaskState before = task.get().state();
        task.get().update(status, latest);
        settle(task.get(), before);
        cluster.watcher().onTaskUpdated(task.get(), status);
        if (TaskStates.isTerminal(task.get().state()) && !status.hasUuid()) {
            complete(framework.get(), agent, task.get());
        }
    }

    /** Gives back what a task held when it has ended. */
    private void settle(Task task, TaskState before) {
        if (!TaskStates.isTerminal(task.state())) {
            return;
        }
        if (!TaskStates.isTerminal(before)) {
            cluster.counts().ended(task.state());
        }
        release(task);
    }

    private void release(Task task) {
        if (task.isHolding()) {
            task.release();
            allocator.recover(
                    task.framework(),
                    task.role(),
                    task.agent(),
                    task.resources(),
                    OptionalLong.empty(),
                    cluster.nowNs());
        }
    }

    /** The framework knows of the task's end: it is kept for operators only. */
    public void complete(Framework framework, Agent agent, Task task) {
        release(task);
        agent.remove(task);
        framework.addCompleted(task);
    }

    /** The master decides a task's end, tells its framework and keeps it for operators only. */
    public void end(Framework framework, Agent agent, Task task, TaskStatus status) {
        master(framework, task, status);
        complete(framework, agent, task);
    }

    /** A task's agent is away: the task may come back. */
    public void unreachable(
            Framework framework, Agent agent, Task task, TaskStatus status, long sinceNs) {
        master(framework, task, status);
        release(task);
        task.unreachable(sinceNs);
        agent.remove(task);
        framework.addUnreachable(task);
    }

    /** A task that was unreachable never comes back. */
    public void neverBack(Framework framework, Task task, TaskStatus status, boolean tell) {
        TaskState before = task.state();
        task.update(status, status.getState());
        if (!TaskStates.isTerminal(before) && TaskStates.isTerminal(task.state())) {
            cluster.counts().ended(task.state());
        }
        cluster.watcher().onTaskUpdated(task, status);
        if (tell) {
            cluster.send(framework, Statuses.update(status));
        }
        framework.addCompleted(task);
    }

    private void master(Framework framework, Task task, TaskStatus status) {
        TaskState before = task.state();
        task.update(status, status.getState());
        if (!TaskStates.isTerminal(before) && TaskStates.isTerminal(task.state())) {
            cluster.counts().ended(task.state());
        }
        cluster.watcher().onTaskUpdated(task, status);
        cluster.send(framework, Statuses.update(status));
    }

    /** An executor is over. */
    public void exited(Framework framework, Agent agent, ExecutorUse executor) {
        agent.remove(executor.framework(), executor.id());
        framework.removeExecutor(agent.id(), executor.id());
        allocator.recover(
                executor.framework(),
                executor.role(),
                agent.id(),
                executor.resources(),
                OptionalLong.empty(),
                cluster.nowNs());
    }
}
