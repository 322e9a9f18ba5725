package dev.berth.agent.tasks;

import dev.berth.agent.conductor.Answer;
import dev.berth.agent.conductor.ContainerView;
import dev.berth.agent.conductor.ContainerWatcher;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.agent.config.CreateRequest;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.TaskStatus.Reason;
import dev.berth.protocol.v1.Protos.Value;

import org.jspecify.annotations.Nullable;

import java.util.Optional;

/**
 * Drives one task's container from creation to the last byte of its output.
 *
 * <p>Thread: conductor.
 */
final class TaskRun implements ContainerWatcher, HealthChecks.Listener {
    private static final int SIGTERM = 15;
    private static final int SIGKILL = 9;

    private final TaskEntry entry;
    private final TaskBoard board;
    private final TaskHost host;
    private Runnable cancelKill = () -> {};
    private Runnable cancelCompletion = () -> {};
    private @Nullable HealthChecks checks;
    private Optional<Boolean> healthy = Optional.empty();
    private boolean created;
    private boolean startAllowed = true;
    private boolean started;
    private boolean ended;
    private boolean outOfTime;
    private boolean unhealthy;
    private Optional<ContainerView> view = Optional.empty();
    private boolean copying;
    private boolean copyAgain;
    private Runnable afterCopy = () -> {};

    TaskRun(TaskEntry entry, TaskBoard board, TaskHost host) {
        this.entry = entry;
        this.board = board;
        this.host = host;
    }

    Optional<ContainerView> view() {
        return view;
    }

    boolean isCreated() {
        return created;
    }

    /** A member of a group is created, but waits for {@link #release}. */
    void hold() {
        startAllowed = false;
    }

    void release() {
        startAllowed = true;
        if (created && !started && !ended) {
            start();
        }
    }

    /** Makes the container: image, sandbox, root; then starts it. */
    void launch(FrameworkInfo framework) {
        TaskRequest request;
        try {
            if (entry.info.hasHealthCheck()) {
                HealthChecks.validate(entry.info.getHealthCheck());
            }
            request = TaskRequest.of(entry, framework, board.paths(), board.hostCpus());
            CreateRequest.of(Optional.of(entry.container), Optional.empty(), request.body());
        } catch (AgentException e) {
            end(
                    TaskState.TASK_ERROR,
                    entry.executor.isPresent()
                            ? Reason.REASON_TASK_GROUP_INVALID
                            : Reason.REASON_TASK_INVALID,
                    e.chain());
            return;
        }
        if (request.image().isEmpty()) {
            prepare(request);
            return;
        }
        host.image(
                request.image().get(),
                request.fresh(),
                new Answer<>() {
                    @Override
                    public void onResult(Boolean result) {
                        prepare(request);
                    }

                    @Override
                    public void onFailure(AgentException failure) {
                        launchFailed(failure.chain());
                    }
                });
    }

    private void prepare(TaskRequest request) {
        if (killedBeforeStart()) {
            return;
        }
        host.onLane(() -> {
            try {
                TaskOutput.begin(entry, board.paths());
                if (request.image().isEmpty()) {
                    board.makeHostRoot();
                }
                host.offer(() -> create(request));
            } catch (AgentException e) {
                host.offer(() -> launchFailed(e.chain()));
            }
        });
    }

    private void create(TaskRequest request) {
        if (killedBeforeStart()) {
            return;
        }
        try {
            host.containers()
                    .create(
                            CreateRequest.of(
                                    Optional.of(entry.container), Optional.empty(), request.body()),
                            new Answer<>() {
                                @Override
                                public void onResult(
                                        dev.berth.agent.conductor.ConductorProxy.Created made) {
                                    watch();
                                }

                                @Override
                                public void onFailure(AgentException failure) {
                                    launchFailed(failure.chain());
                                }
                            });
        } catch (AgentException e) {
            launchFailed(e.chain());
        }
    }

    private void watch() {
        host.containers().watch(entry.container, this, e -> launchFailed(e.chain()));
    }

    /** Goes on with a task that an earlier agent had launched. */
    void resume(FrameworkInfo framework) {
        host.containers()
                .watch(
                        entry.container,
                        this,
                        _ -> {
                            if (entry.state() == TaskState.TASK_STARTING
                                    || entry.state() == TaskState.TASK_STAGING) {
                                launch(framework);
                            } else {
                                end(
                                        TaskState.TASK_FAILED,
                                        Reason.REASON_EXECUTOR_TERMINATED,
                                        "the task's container is gone");
                            }
                        });
    }

    @Override
    public void onWatching(ContainerView now) {
        view = Optional.of(now);
        created = true;
        switch (now.status()) {
            case CREATED -> {
                if (killedBeforeStart()) {
                    return;
                }
                board.onCreated(entry);
                if (startAllowed) {
                    start();
                }
            }
            case RUNNING, PAUSED -> onStarted(now);
            case EXITED, DEAD, REMOVING, RESTARTING -> onEnded(now);
            case STARTING -> {}
        }
    }

    private void start() {
        started = true;
        if (killedBeforeStart()) {
            return;
        }
        int uid = view.map(v -> v.identity().uid()).orElse(0);
        int gid = view.map(v -> v.identity().gid()).orElse(0);
        if (uid == 0) {
            startNow();
            return;
        }
        host.onLane(() -> {
            try {
                TaskOutput.own(board.linux(), board.paths().sandbox(entry), uid, gid);
                host.offer(this::startNow);
            } catch (AgentException e) {
                host.offer(() -> launchFailed(e.chain()));
            }
        });
    }

    private void startNow() {
        host.containers()
                .start(
                        entry.container,
                        new Answer<>() {
                            @Override
                            public void onResult(Boolean result) {}

                            @Override
                            public void onFailure(AgentException failure) {
                                launchFailed(failure.chain());
                            }
                        });
    }

    @Override
    public void onStarted(ContainerView now) {
        view = Optional.of(now);
        started = true;
        if (ended) {
            return;
        }
        if (entry.state() == TaskState.TASK_STARTING || entry.state() == TaskState.TASK_STAGING) {
            publish(TaskStatus.newBuilder().setState(TaskState.TASK_RUNNING));
        }
        board.onRunning();
        if (entry.info.hasMaxCompletionTime()) {
            long runNs = Math.max(0, host.realtimeNs() - now.startedNs());
            cancelCompletion =
                    host.at(
                            host.monotonicNs()
                                    + entry.info.getMaxCompletionTime().getNanoseconds()
                                    - runNs,
                            this::completionTimeIsOver);
        }
        if (entry.info.hasHealthCheck()) {
            HealthChecks made =
                    new HealthChecks(
                            entry.info.getHealthCheck(),
                            entry.container,
                            host,
                            board.linux(),
                            this);
            checks = made;
            made.start();
        }
        if (entry.killGraceNs.isPresent()) {
            terminate(entry.killGraceNs.getAsLong());
        }
    }

    private void completionTimeIsOver() {
        if (!ended) {
            outOfTime = true;
            terminate(board.graceNs(entry, Optional.empty()));
        }
    }

    /** A kill, or one more with a new grace period. */
    void kill(long graceNs, boolean tellsKilling) {
        if (ended || entry.isTerminal()) {
            return;
        }
        board.killAsked(entry, graceNs);
        if (!started) {
            if (created) {
                killedBeforeStart();
            }
            return;
        }
        if (tellsKilling && entry.state() == TaskState.TASK_RUNNING) {
            publish(TaskStatus.newBuilder().setState(TaskState.TASK_KILLING));
        }
        if (entry.state() != TaskState.TASK_STARTING) {
            terminate(graceNs);
        }
    }

    private void terminate(long graceNs) {
        cancelKill.run();
        HealthChecks running = checks;
        if (running != null) {
            running.stop();
        }
        if (graceNs <= 0) {
            host.containers().kill(entry.container, SIGKILL, Answer.ignore());
            return;
        }
        host.containers().kill(entry.container, SIGTERM, Answer.ignore());
        cancelKill =
                host.at(
                        host.monotonicNs() + graceNs,
                        () -> host.containers().kill(entry.container, SIGKILL, Answer.ignore()));
    }

    private boolean killedBeforeStart() {
        if (ended) {
            return true;
        }
        if (entry.killGraceNs.isEmpty()) {
            return false;
        }
        end(TaskState.TASK_KILLED, Reason.REASON_TASK_KILLED_DURING_LAUNCH, "killed before it ran");
        return true;
    }

    private void launchFailed(String why) {
        end(TaskState.TASK_FAILED, Reason.REASON_CONTAINER_LAUNCH_FAILED, why);
    }

    @Override
    public void onEnded(ContainerView now) {
        view = Optional.of(now);
        if (ended) {
            return;
        }
        if (now.startedNs() == 0 || now.run() == 0) {
            launchFailed(now.error().isEmpty() ? "it did not start" : now.error());
            return;
        }
        if (now.oomKilled() && now.exitCode() != 0 && entry.killGraceNs.isEmpty()) {
            TaskStatus.Builder status = status(TaskState.TASK_FAILED, "Memory limit exceeded");
            status.setReason(Reason.REASON_CONTAINER_LIMITATION_MEMORY);
            status.getLimitationBuilder()
                    .addResources(
                            Resource.newBuilder()
                                    .setName("mem")
                                    .setType(Value.Type.SCALAR)
                                    .setScalar(
                                            Value.Scalar.newBuilder()
                                                    .setValue(
                                                            TaskLimits.scalar(entry.info, "mem"))));
            end(status);
            return;
        }
        String how =
                now.exitCode() > 128
                        ? "Command terminated with signal " + (now.exitCode() - 128)
                        : "Command exited with status " + now.exitCode();
        if (outOfTime) {
            end(TaskState.TASK_FAILED, Reason.REASON_MAX_COMPLETION_TIME_REACHED, how);
        } else if (unhealthy) {
            end(status(TaskState.TASK_KILLED, how).setHealthy(false));
        } else if (now.exitCode() == 0) {
            end(status(TaskState.TASK_FINISHED, how));
        } else if (entry.killGraceNs.isPresent()) {
            end(status(TaskState.TASK_KILLED, how));
        } else {
            end(
                    status(TaskState.TASK_FAILED, how)
                            .setReason(Reason.REASON_COMMAND_EXECUTOR_FAILED));
        }
    }

    @Override
    public void onRemoved(ContainerView last) {
        if (!ended) {
            end(TaskState.TASK_FAILED, Reason.REASON_EXECUTOR_TERMINATED, "somebody removed it");
        }
    }

    private static TaskStatus.Builder status(TaskState state, String message) {
        return TaskStatus.newBuilder().setState(state).setMessage(message);
    }

    private void end(TaskState state, Reason reason, String message) {
        end(status(state, message).setReason(reason));
    }

    /** Once; the update comes when all output is in the sandbox. */
    private void end(TaskStatus.Builder status) {
        if (ended) {
            return;
        }
        ended = true;
        cancelKill.run();
        cancelCompletion.run();
        HealthChecks running = checks;
        if (running != null) {
            running.stop();
        }
        if (view.isEmpty() || view.get().startedNs() == 0) {
            publish(status);
            finish(status.getState());
            return;
        }
        copyOutput(() -> {
            publish(status);
            finish(status.getState());
        });
    }

    private void finish(TaskState state) {
        if (view.isPresent()) {
            host.containers().remove(entry.container, true, Answer.ignore());
        }
        board.onEnded(entry, state);
    }

    private void publish(TaskStatus.Builder status) {
        status.setSource(
                status.getState() == TaskState.TASK_ERROR
                        ? TaskStatus.Source.SOURCE_AGENT
                        : TaskStatus.Source.SOURCE_EXECUTOR);
        view.ifPresent(v -> {
            status.getContainerStatusBuilder().getContainerIdBuilder().setValue(v.id().value());
            if (v.pid() > 0) {
                status.getContainerStatusBuilder().setExecutorPid(v.pid());
            }
        });
        healthy.ifPresent(status::setHealthy);
        board.updates().publish(entry, status);
    }

    @Override
    public void onHealth(boolean now, String why) {
        if (ended || healthy.equals(Optional.of(now))) {
            return;
        }
        healthy = Optional.of(now);
        publish(
                TaskStatus.newBuilder()
                        .setState(entry.state())
                        .setReason(Reason.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED)
                        .setMessage(now ? "healthy" : "health check failed: " + why));
    }

    @Override
    public void onGivenUp(String why) {
        if (!ended) {
            AgentLog.warn("task " + entry.key() + " is killed: not healthy: " + why);
            unhealthy = true;
            terminate(board.graceNs(entry, Optional.empty()));
        }
    }

    /** Brings the sandbox's output up to date, then runs {@code then}. */
    void copyOutput(Runnable then) {
        Runnable before = afterCopy;
        afterCopy =
                () -> {
                    before.run();
                    then.run();
                };
        if (copying) {
            copyAgain = true;
            return;
        }
        if (view.isEmpty()) {
            copied();
            return;
        }
        copying = true;
        var log = host.logOf(view.get().id());
        host.onLane(() -> {
            try {
                TaskOutput.copy(
                        board.linux(),
                        log,
                        board.paths().sandbox(entry),
                        board.paths().position(entry.container));
            } catch (AgentException e) {
                AgentLog.warn(e.chain());
            }
            host.offer(() -> {
                copying = false;
                if (copyAgain) {
                    copyAgain = false;
                    copyOutput(() -> {});
                } else {
                    copied();
                }
            });
        });
    }

    private void copied() {
        Runnable then = afterCopy;
        afterCopy = () -> {};
        then.run();
    }
}
