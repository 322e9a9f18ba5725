package dev.berth.agent.conductor;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.agent.config.LogOptions;
import dev.berth.agent.device.DevicePlan;
import dev.berth.containerizer.Containerizer.ContainerEvent;
import dev.berth.containerizer.Containerizer.LogLimits;
import dev.berth.containerizer.ContainerizerException;
import dev.berth.gpu.edits.EditsMerge;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** From a wish to start to a running program, or the reason why not. Conductor thread. */
final class Starts {
    private static final int ENGINE_FAILURE = 125;

    private final Conductor conductor;
    private final ConductorParts parts;
    private final Registry registry;
    private final History history;
    private final Lifecycle lifecycle;
    private final Map<ContainerId, List<Runnable>> afterStart = new HashMap<>();

    Starts(
            Conductor conductor,
            ConductorParts parts,
            Registry registry,
            History history,
            Lifecycle lifecycle) {
        this.conductor = conductor;
        this.parts = parts;
        this.registry = registry;
        this.history = history;
        this.lifecycle = lifecycle;
    }

    void start(Container container, Answer<Boolean> answer) {
        switch (container.status) {
            case RUNNING ->
                    answer.onFailure(AgentException.notModified("container is already running"));
            case PAUSED ->
                    answer.onFailure(
                            AgentException.conflict(
                                    "cannot start a paused container, try unpause instead"));
            case REMOVING, DEAD ->
                    answer.onFailure(
                            AgentException.conflict(
                                    "container is marked for removal and cannot be started"));
            case STARTING -> container.startAnswers.add(answer);
            case CREATED, EXITED, RESTARTING -> {
                container.startAnswers.add(answer);
                container.cancelTimer();
                launch(container);
            }
        }
    }

    /** First the devices that it wants, which it may have to wait for, then the run. */
    void launch(Container container) {
        Status before = container.status;
        container.status = Status.STARTING;
        boolean answered =
                conductor
                        .grants()
                        .acquire(
                                container,
                                new Grants.Starter() {
                                    @Override
                                    public void onPlan(DevicePlan plan) {
                                        run(container, plan, before);
                                    }

                                    @Override
                                    public void onRefused(AgentException why) {
                                        refuse(container, before, why);
                                    }
                                });
        if (!answered) {
            registry.publish(container);
        }
    }

    private void run(Container container, DevicePlan plan, Status status) {
        int before = container.run;
        try {
            ContainerConfig config = container.config;
            boolean ready = container.prepared && config != null && plan.equals(container.plan);
            if (!ready || config == null) {
                config =
                        EditsMerge.apply(
                                parts.translation()
                                        .translate(
                                                container.id, container.spec, container.identity),
                                plan.edits());
                container.config = config;
                container.plan = plan;
            }
            LogLimits log = LogOptions.of(container.spec);
            container.run++;
            history.starting(container);
            container.stoppedByUser = false;
            container.removeAsked = false;
            container.prepared = false;
            registry.publish(container);
            if (ready) {
                parts.containerizer().start(config, log);
            } else {
                prepare(container, config, log);
            }
        } catch (AgentException e) {
            takeBack(container, before, status, e);
        } catch (RuntimeException e) {
            // A fault of ours: the devices are not to be lost with it, nor the container to start
            // for ever.
            AgentLog.error("start " + container.name, e);
            takeBack(
                    container, before, status, AgentException.failed("start " + container.name, e));
        }
    }

    private void takeBack(Container container, int run, Status before, AgentException why) {
        container.run = run;
        conductor.grants().release(container);
        refuse(container, before, why);
    }

    /** Nothing was started: the container is as it was. A restart by policy is tried again later, since devices that are lacking now may come back. */
    private void refuse(Container container, Status before, AgentException why) {
        boolean again = before == Status.RESTARTING;
        container.status = again ? Status.EXITED : before;
        container.error = why.chain();
        parts.counters().increment(Counter.CONTAINER_START_FAILURES);
        registry.publish(container);
        Lifecycle.drain(container.startAnswers).forEach(answer -> answer.onFailure(why));
        if (again) {
            lifecycle.restartLater(container);
        }
        runAfterStart(container);
        if (container.spec.autoRemove() && container.status == Status.CREATED) {
            lifecycle.remove(container, Answer.ignore());
        }
    }

    /** What of a start may block is done on the lane first. */
    private void prepare(Container container, ContainerConfig config, LogLimits log) {
        boolean rootKnown = container.rootKnown;
        conductor.onLane(
                parts.roots(),
                () -> {
                    try {
                        if (!rootKnown) {
                            conductor.creation().prepareRoot(container.id, container.spec);
                        }
                        parts.containerizer().prepareStart(config);
                        conductor.offer(() -> {
                            container.rootKnown = true;
                            parts.containerizer().start(config, log);
                        });
                    } catch (AgentException | ContainerizerException | RuntimeException e) {
                        String message = AgentException.failed("prepare the root", e).chain();
                        conductor.offer(() ->
                                onStartFailed(
                                        new ContainerEvent.StartFailed(
                                                container.id, ENGINE_FAILURE, message)));
                    }
                });
    }

    void onStarted(ContainerEvent.Started started) {
        Container container = registry.byId(started.id());
        if (container == null) {
            return;
        }
        // An agent before this one may have died between asking for the start and hearing of it.
        boolean found = container.status.isAlive() && container.startedNs > 0;
        container.pid = started.pid();
        container.warnings = started.warnings();
        if (!found) {
            container.status = Status.RUNNING;
            container.startedNs = parts.clock().realtimeNs();
            container.finishedNs = 0;
            container.exitCode = 0;
            container.oomKilled = false;
            container.error = "";
            container.timeline = started.timeline();
            history.started(container);
            parts.counters().increment(Counter.CONTAINERS_STARTED);
            conductor.tell(container, "start", Map.of());
        }
        registry.publish(container);
        conductor.guards().watch();
        if (!found) {
            ContainerView view = container.view();
            List.copyOf(container.watchers).forEach(watcher -> watcher.onStarted(view));
        }
        Lifecycle.drain(container.startAnswers).forEach(answer -> answer.onResult(true));
        runAfterStart(container);
    }

    void runAfterStart(Container container) {
        List<Runnable> waiting = afterStart.remove(container.id);
        if (waiting != null) {
            waiting.forEach(Runnable::run);
        }
    }

    /** Does {@code step} once a start under way has worked or failed. */
    void later(Container container, Runnable step) {
        afterStart.computeIfAbsent(container.id, _ -> new ArrayList<>()).add(step);
    }

    void onStartFailed(ContainerEvent.StartFailed failed) {
        Container container = registry.byId(failed.id());
        if (container == null) {
            return;
        }
        container.exitCode = failed.code();
        container.error = failed.message();
        container.pid = 0;
        container.finishedNs = parts.clock().realtimeNs();
        container.status = container.exits.isEmpty() ? Status.CREATED : Status.EXITED;
        conductor.grants().release(container);
        parts.counters().increment(Counter.CONTAINER_START_FAILURES);
        history.ended(container);
        registry.publish(container);
        AgentException failure = startFailure(failed);
        Lifecycle.drain(container.startAnswers).forEach(answer -> answer.onFailure(failure));
        lifecycle.ended(container);
        runAfterStart(container);
        if (container.spec.autoRemove() || container.removeAsked) {
            lifecycle.remove(container, Answer.ignore());
        }
    }

    /** The docker CLI tells 126 and 127 by words in the message. */
    private static AgentException startFailure(ContainerEvent.StartFailed failed) {
        String message = "cannot start container: " + failed.message();
        return switch (failed.code()) {
            case 127 ->
                    new AgentException(
                            AgentException.Kind.INVALID,
                            with(message, "executable file not found in $PATH"),
                            127);
            case 126 ->
                    new AgentException(
                            AgentException.Kind.INVALID, with(message, "permission denied"), 126);
            default -> new AgentException(AgentException.Kind.FAILED, message, failed.code());
        };
    }

    private static String with(String message, String words) {
        return message.contains(words) ? message : message + ": " + words;
    }
}
