package dev.berth.agent.tasks;

import dev.berth.protocol.TaskDescription;
import dev.berth.protocol.TaskStates;
import dev.berth.protocol.v1.Protos.ExecutorInfo;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.Task;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.Optional;
import java.util.OptionalLong;

/** What is known of one task; the part that the journal keeps, and the part of this agent's run. Conductor thread. */
final class TaskEntry {
    final FrameworkID framework;
    final TaskInfo info;

    /** Of a task group. */
    final Optional<ExecutorInfo> executor;

    /** The container's name, unique per launch. */
    final String container;

    /** Updates that are not acknowledged, oldest first. */
    final ArrayDeque<TaskStatus> pending = new ArrayDeque<>();

    Optional<TaskStatus> latest = Optional.empty();

    /** The newest update that the master was given. */
    Optional<TaskStatus> forwarded = Optional.empty();

    /** Set when a kill was asked for. */
    OptionalLong killGraceNs = OptionalLong.empty();

    @Nullable TaskRun run;
    Runnable cancelRetry = () -> {};
    long retryNs;

    TaskEntry(
            FrameworkID framework,
            TaskInfo info,
            Optional<ExecutorInfo> executor,
            String container) {
        this.framework = framework;
        this.info = info;
        this.executor = executor;
        this.container = container;
    }

    TaskKey key() {
        return TaskKey.of(framework, info.getTaskId());
    }

    TaskState state() {
        return latest.map(TaskStatus::getState).orElse(TaskState.TASK_STAGING);
    }

    boolean isTerminal() {
        return TaskStates.isTerminal(state());
    }

    /** Mesos: a command's executor is called like its task. */
    String executorId() {
        return executor.map(e -> e.getExecutorId().getValue()).orElse(info.getTaskId().getValue());
    }

    /** The task in the master's words. */
    Task task() {
        Task.Builder task = TaskDescription.of(info, framework).setState(state());
        executor.ifPresent(e -> task.setExecutorId(e.getExecutorId()));
        latest.ifPresent(task::addStatuses);
        forwarded.ifPresent(status ->
                task.setStatusUpdateState(status.getState()).setStatusUpdateUuid(status.getUuid()));
        return task.build();
    }
}
