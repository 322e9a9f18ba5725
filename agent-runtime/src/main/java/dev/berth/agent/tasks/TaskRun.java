package dev.berth.agent.tasks;

import dev.berth.agent.conductor.Answer;
import dev.berth.agent.conductor.ContainerView;
import dev.berth.agent.conductor.ContainerWatcher;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.agent.config.CreateRequest;
import dev.berth.protocol.v1.Protos.CheckStatusInfo;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.TaskStatus.Reason;

import org.jspecify.annotations.Nullable;

import java.util.Optional;
import java.util.function.Consumer;

/**
 * Drives one task's container from creation to the last byte of its output.
 *
 * <p>Thread: conductor.
 */
final class TaskRun implements ContainerWatcher, TaskChecks.Listener {
    private final TaskEntry entry;
    private final TaskBoard board;
    private final TaskHost host;
    private final Termination termination;
    private Runnable cancelCompletion = () -> {};
    private @Nullable TaskChecks checks;
    private @Nullable OutputCopy output;
    private Optional<Boolean> healthy;
    private Optional<CheckStatusInfo> checked;
    private boolean created;
    private boolean startAllowed = true;
    private boolean started;
    private boolean ended;
    private boolean outOfTime;
    private String unhealthy = "";
    private Optional<ContainerView> view = Optional.empty();

    TaskRun(TaskEntry entry, TaskBoard board, TaskHost host) {
        this.entry = entry;
        this.board = board;
        this.host = host;
        termination = new Termination(host, entry, board.steps());
        healthy = entry.latest.filter(TaskStatus::hasHealthy).map(TaskStatus::getHealthy);
        checked = entry.latest.filter(TaskStatus::hasCheckStatus).map(TaskStatus::getCheckStatus);
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

    /** What is to be made; refuses what cannot be run as asked. */
    TaskRequest plan(FrameworkInfo framework) throws AgentException {
        try {
            CheckTarget.validate(entry.info);
            TaskRequest request =
                    TaskRequest.of(
                            entry, framework, board.paths(), board.hostCpus(), host.address());
            CreateRequest.of(Optional.of(entry.container), Optional.empty(), request.body());
            return request;
        } catch (RuntimeException e) {
            // A fault of ours, but this task's only: were it to go on, the link would break on it,
            // and every later start of the agent.
            AgentLog.error("plan " + entry.key(), e);
            throw AgentException.invalid("the agent cannot read this task: " + e);
        }
    }

    /** Makes the container: image, sandbox, root; then starts it. */
    void launch(FrameworkInfo framework) {
        try {
            launch(plan(framework));
        } catch (AgentException e) {
            refuse(e.chain());
        }
    }

    /** From now on nothing ends it but {@link #refuse}: a group is refused as a whole, no member takes another with it. */
    void abandon() {
        ended = true;
    }

    /** Ends a task that no agent could run as asked. */
    void refuse(String why) {
        ended = true;
        publish(
                Verdict.status(TaskState.TASK_ERROR, why)
                        .setReason(
                                entry.executor.isPresent()
                                        ? Reason.REASON_TASK_GROUP_INVALID
                                        : Reason.REASON_TASK_INVALID));
        finish(TaskState.TASK_ERROR);
    }

    void launch(TaskRequest request) {
        if (killedBeforeStart()) {
            return;
        }
        if (request.image().isEmpty()) {
            prepare(request);
            return;
        }
        try {
            host.image(request.image().get(), request.fresh(), orFail(_ -> prepare(request)));
        } catch (RuntimeException e) {
            AgentLog.error("image of " + entry.key(), e);
            launchFailed("image " + request.image().get() + ": " + e);
        }
    }

    private <T> Answer<T> orFail(Consumer<T> then) {
        return new Answer<>() {
            @Override
            public void onResult(T result) {
                then.accept(result);
            }

            @Override
            public void onFailure(AgentException failure) {
                launchFailed(failure.chain());
            }
        };
    }

    private void prepare(TaskRequest request) {
        if (killedBeforeStart()) {
            return;
        }
        host.onLane(() -> {
            try {
                TaskOutput.begin(entry, board.paths());
                if (request.image().isEmpty()) {
                    board.makeHostRoot(request);
                }
                host.offer(() -> {
                    reached(TaskStep.SANDBOX_MADE);
                    create(request);
                });
            } catch (AgentException e) {
                host.offer(() -> launchFailed(e.chain()));
            } catch (RuntimeException e) {
                AgentLog.error("make the sandbox of " + entry.key(), e);
                host.offer(() -> launchFailed("make the sandbox: " + e));
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
                            orFail(_ -> made()));
            reached(TaskStep.CREATE_ASKED);
        } catch (AgentException e) {
            launchFailed(e.chain());
        }
    }

    private void made() {
        if (ended) {
            remove();
        } else {
            host.containers().watch(entry.container, this, e -> launchFailed(e.chain()));
        }
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
        if (ended) {
            remove();
            return;
        }
        switch (now.status()) {
            case CREATED -> {
                reached(TaskStep.CREATED);
                if (killedBeforeStart()) {
                    return;
                }
                board.groups().onCreated(entry);
                if (startAllowed) {
                    release();
                }
            }
            case RUNNING, PAUSED -> {
                onStarted(now);
                board.groups().onCreated(entry);
            }
            case EXITED, DEAD, REMOVING, RESTARTING -> {
                onEnded(now);
                board.groups().onCreated(entry);
            }
            case STARTING -> {}
        }
    }

    private void reached(TaskStep step) {
        board.steps().reached(step, entry);
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
                TaskOutput.own(board.linux(), entry, board.paths(), uid, gid);
                host.offer(this::startNow);
            } catch (AgentException e) {
                host.offer(() -> launchFailed(e.chain()));
            }
        });
    }

    private void startNow() {
        host.containers().start(entry.container, orFail(_ -> {}));
        reached(TaskStep.START_ASKED);
    }

    @Override
    public void onStarted(ContainerView now) {
        view = Optional.of(now);
        started = true;
        if (ended) {
            return;
        }
        reached(TaskStep.STARTED);
        if (entry.state() == TaskState.TASK_STARTING || entry.state() == TaskState.TASK_STAGING) {
            publish(TaskStatus.newBuilder().setState(TaskState.TASK_RUNNING));
        }
        board.onRunning();
        if (entry.killGraceNs.isPresent()) {
            terminate(entry.killGraceNs.getAsLong(), board.tellsKilling(entry));
            return;
        }
        long runNs = Math.max(0, host.realtimeNs() - now.startedNs());
        long mostNs = entry.info.getMaxCompletionTime().getNanoseconds();
        if (mostNs > 0) {
            cancelCompletion = host.after(Math.max(0, mostNs - runNs), this::completionTimeIsOver);
        }
        try {
            checks =
                    TaskChecks.start(
                            entry.info,
                            new Prober(host, board.linux(), entry.container),
                            host,
                            this,
                            runNs,
                            healthy.orElse(false));
        } catch (AgentException e) {
            AgentLog.error("checks of task " + entry.key(), e);
        }
    }

    private void completionTimeIsOver() {
        if (!ended && entry.killGraceNs.isEmpty()) {
            outOfTime = true;
            // As Mesos: without a grace period.
            terminate(0, false);
        }
    }

    /** A kill, or one more with a shorter grace period. */
    void kill(long graceNs, boolean tellsKilling) {
        if (ended || entry.isTerminal()) {
            return;
        }
        if (entry.killGraceNs.isEmpty() || graceNs < entry.killGraceNs.getAsLong()) {
            board.killAsked(entry, graceNs);
        }
        if (!started) {
            killedBeforeStart();
        } else if (entry.state() != TaskState.TASK_STARTING) {
            terminate(graceNs, tellsKilling);
        }
    }

    private void terminate(long graceNs, boolean tellsKilling) {
        cancelCompletion.run();
        stopChecks();
        if (tellsKilling && entry.state() == TaskState.TASK_RUNNING) {
            publish(TaskStatus.newBuilder().setState(TaskState.TASK_KILLING));
        }
        termination.begin(graceNs);
    }

    private void stopChecks() {
        TaskChecks running = checks;
        if (running != null) {
            running.stop();
        }
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
        if (!killedBeforeStart()) {
            end(TaskState.TASK_FAILED, Reason.REASON_CONTAINER_LAUNCH_FAILED, why);
        }
    }

    @Override
    public void onEnded(ContainerView now) {
        view = Optional.of(now);
        if (ended) {
            return;
        }
        reached(TaskStep.END_SEEN);
        if (now.startedNs() == 0 || now.run() == 0) {
            launchFailed(now.error().isEmpty() ? "it did not start" : now.error());
            return;
        }
        end(Verdict.of(entry, now, outOfTime, unhealthy));
    }

    @Override
    public void onRemoved(ContainerView last) {
        if (!ended) {
            end(TaskState.TASK_FAILED, Reason.REASON_EXECUTOR_TERMINATED, "somebody removed it");
        }
    }

    private void end(TaskState state, Reason reason, String message) {
        end(Verdict.status(state, message).setReason(reason));
    }

    /** Once; the update comes when all output is in the sandbox. */
    private void end(TaskStatus.Builder status) {
        if (ended) {
            return;
        }
        ended = true;
        termination.stop();
        cancelCompletion.run();
        stopChecks();
        if (view.isEmpty() || view.get().startedNs() == 0) {
            publish(status);
            finish(status.getState());
            return;
        }
        copyOutput(() -> {
            reached(TaskStep.OUTPUT_COPIED);
            publish(status);
            finish(status.getState());
        });
    }

    private void finish(TaskState state) {
        view.ifPresent(_ -> remove());
        board.onEnded(entry, state);
    }

    private void remove() {
        host.containers().remove(entry.container, true, Answer.ignore());
        reached(TaskStep.REMOVAL_ASKED);
    }

    private void publish(TaskStatus.Builder status) {
        status.setSource(
                status.getState() == TaskState.TASK_ERROR
                        ? TaskStatus.Source.SOURCE_AGENT
                        : TaskStatus.Source.SOURCE_EXECUTOR);
        view.ifPresent(v -> status.setContainerStatus(ContainerStatuses.of(v, host.address())));
        if (!status.hasHealthy()) {
            healthy.ifPresent(status::setHealthy);
        }
        checked.or(() -> CheckTarget.unknown(entry.info)).ifPresent(status::setCheckStatus);
        board.updates().publish(entry, status);
    }

    @Override
    public void onHealth(boolean now, String why) {
        if (ended) {
            return;
        }
        healthy = Optional.of(now);
        publish(
                Verdict.status(entry.state(), now ? "healthy" : "health check failed: " + why)
                        .setReason(Reason.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED));
    }

    @Override
    public void onCheck(CheckStatusInfo now) {
        if (ended || checked.equals(Optional.of(now))) {
            return;
        }
        checked = Optional.of(now);
        publish(
                TaskStatus.newBuilder()
                        .setState(entry.state())
                        .setReason(Reason.REASON_TASK_CHECK_STATUS_UPDATED));
    }

    @Override
    public void onGivenUp(String why) {
        if (!ended) {
            AgentLog.warn("task " + entry.key() + " is killed: not healthy: " + why);
            unhealthy = why;
            kill(board.graceNs(entry, Optional.empty()), board.tellsKilling(entry));
        }
    }

    /** Brings the sandbox's output nearer to what the container has written. */
    void copyOutput() {
        copying().ifPresent(OutputCopy::refresh);
    }

    /** Brings the sandbox's output up to date, then runs {@code then}. */
    void copyOutput(Runnable then) {
        copying().ifPresentOrElse(copy -> copy.refresh(then), then);
    }

    private Optional<OutputCopy> copying() {
        if (output == null && view.isPresent()) {
            output =
                    new OutputCopy(
                            host,
                            board.linux(),
                            host.logOf(view.get().id()),
                            board.paths().sandbox(entry),
                            board.paths().position(entry.container));
        }
        return Optional.ofNullable(output);
    }
}
