package dev.berth.agent.conductor;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.agent.config.RestartPolicies;
import dev.berth.agent.config.Signals;
import dev.berth.containerizer.Containerizer.ContainerEvent;
import dev.berth.containerizer.ContainerizerException;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.BiConsumer;

/** What happens to a container that runs, its end, and what follows from that. Conductor thread. */
final class Lifecycle {
    private static final long SECOND_NS = 1_000_000_000L;

    /** How long a kill may take before those who wait for it are told that it did not work. */
    private static final long KILL_PATIENCE_NS = 10 * SECOND_NS;

    private final Conductor conductor;
    private final ConductorParts parts;
    private final Registry registry;
    private final History history;
    private final Timers timers;
    private final Starts starts;
    private @Nullable BiConsumer<Container, Answer<Boolean>> remover;

    Lifecycle(
            Conductor conductor,
            ConductorParts parts,
            Registry registry,
            History history,
            Timers timers) {
        this.conductor = conductor;
        this.parts = parts;
        this.registry = registry;
        this.history = history;
        this.timers = timers;
        starts = new Starts(conductor, parts, registry, history, this);
    }

    Starts starts() {
        return starts;
    }

    void removeWith(BiConsumer<Container, Answer<Boolean>> with) {
        remover = with;
    }

    /** Empties a list of answers and returns what was in it: an answer may lead to a new one. */
    static <T> List<T> drain(List<T> answers) {
        List<T> all = List.copyOf(answers);
        answers.clear();
        return all;
    }

    void onOom(ContainerEvent.Oom oom) {
        Container container = registry.byId(oom.id());
        if (container != null) {
            container.oomKilled = true;
            registry.publish(container);
            conductor.tell(container, "oom", Map.of());
        }
    }

    void onPaused(ContainerEvent.Paused paused) {
        Container container = registry.byId(paused.id());
        if (container == null || !container.status.isAlive()) {
            return;
        }
        Status next = paused.paused() ? Status.PAUSED : Status.RUNNING;
        if (container.status != next) {
            container.status = next;
            registry.publish(container);
            conductor.tell(container, paused.paused() ? "pause" : "unpause", Map.of());
        }
        drain(container.pauseAnswers).forEach(answer -> answer.onResult(true));
    }

    void onExited(ContainerEvent.Exited exited) {
        Container container = registry.byId(exited.id());
        if (container == null) {
            return;
        }
        container.cancelTimer();
        container.pid = 0;
        container.exitCode = exited.status().code();
        container.oomKilled |= exited.status().oomKilled();
        container.finishedNs =
                exited.status().finishedAtNs() > 0
                        ? exited.status().finishedAtNs()
                        : parts.clock().realtimeNs();
        if (exited.status().waitStatus() < 0) {
            container.error = "unknown exit status: the monitor was lost";
        } else if (container.startedNs == 0) {
            // It began and ended while no agent was there to hear of either.
            container.startedNs = container.finishedNs;
        }
        container.keepExit();
        conductor.grants().release(container);
        boolean again =
                !container.removeAsked
                        && !container.restartAsked
                        && RestartPolicies.restarts(
                                container.spec,
                                container.exitCode,
                                container.restartCount,
                                container.stoppedByUser);
        container.status = again ? Status.RESTARTING : Status.EXITED;
        history.ended(container);
        history.compactWhenLong(registry.all());
        parts.counters().increment(Counter.CONTAINERS_EXITED);
        if (container.oomKilled) {
            parts.counters().increment(Counter.CONTAINERS_OOM_KILLED);
        }
        conductor.tell(container, "die", Map.of("exitCode", String.valueOf(container.exitCode)));
        registry.publish(container);
        boolean restarts =
                container.restartAsked && !container.removeAsked && !container.spec.autoRemove();
        if (!restarts) { // who asked for a restart is told when it has started again
            drain(container.startAnswers).forEach(answer -> answer.onResult(true));
        }
        ended(container);
        boolean stopped = !container.stopAnswers.isEmpty();
        drain(container.stopAnswers).forEach(answer -> answer.onResult(true));
        drain(container.pauseAnswers)
                .forEach(answer ->
                        answer.onFailure(AgentException.conflict("container has exited")));
        if (stopped) {
            conductor.tell(container, "stop", Map.of());
        }
        afterEnd(container, again);
    }

    void ended(Container container) {
        ContainerView view = container.view();
        List.copyOf(container.watchers).forEach(watcher -> watcher.onEnded(view));
    }

    private void afterEnd(Container container, boolean again) {
        starts.runAfterStart(container);
        if (container.removeAsked || container.spec.autoRemove()) {
            remove(container, Answer.ignore());
        } else if (container.restartAsked) {
            container.restartAsked = false;
            starts.launch(container);
        } else if (again) {
            restartLater(container);
        }
    }

    /** Lets the restart policy try again after a pause that grows. */
    void restartLater(Container container) {
        container.status = Status.RESTARTING;
        registry.publish(container);
        container.restartDelayNs =
                RestartPolicies.delayNs(
                        container.restartDelayNs, container.finishedNs - container.startedNs);
        container.timer =
                timers.at(
                        parts.clock().monotonicNs() + container.restartDelayNs,
                        () -> restartByPolicy(container));
    }

    private void restartByPolicy(Container container) {
        container.timer = null;
        container.status = Status.RESTARTING;
        container.restartCount++;
        parts.counters().increment(Counter.RESTARTS);
        starts.launch(container);
    }

    /** After a start of the agent: what should run by its policy and does not. */
    void resumePolicies() {
        for (Container container : List.copyOf(registry.all())) {
            boolean ran = container.run > 0 && container.status == Status.EXITED;
            String policy = container.spec.restartPolicy();
            boolean wanted =
                    policy.equals("always")
                            || (policy.equals("unless-stopped") && !container.stoppedByUser)
                            || (policy.equals("on-failure")
                                    && container.exitCode != 0
                                    && !container.stoppedByUser);
            if (ran && wanted) {
                restartByPolicy(container);
            }
            if (container.status == Status.EXITED && container.spec.autoRemove()) {
                remove(container, Answer.ignore());
            }
        }
    }

    void stop(
            Container container, OptionalInt signal, OptionalInt seconds, Answer<Boolean> answer) {
        switch (container.status) {
            case CREATED, EXITED, DEAD, REMOVING ->
                    answer.onFailure(AgentException.notModified("container is not running"));
            case RESTARTING -> {
                container.cancelTimer();
                container.stoppedByUser = true;
                history.stopAsked(container);
                container.status = Status.EXITED;
                registry.publish(container);
                answer.onResult(true);
            }
            case STARTING ->
                    starts.later(container, () -> stop(container, signal, seconds, answer));
            case RUNNING, PAUSED -> {
                container.stopAnswers.add(answer);
                try {
                    int first =
                            signal.isPresent() ? signal.getAsInt() : container.spec.stopSignal();
                    int wait = seconds.orElse(container.spec.stopTimeoutSeconds());
                    container.stoppedByUser = true;
                    history.stopAsked(container);
                    if (container.status == Status.PAUSED) {
                        parts.containerizer().pause(container.id, false);
                    }
                    if (first == Signals.SIGKILL || wait == 0) {
                        killNow(container);
                    } else {
                        tellKill(container, first);
                        parts.containerizer().signal(container.id, first);
                        if (wait > 0) {
                            container.cancelTimer();
                            container.timer =
                                    timers.at(
                                            parts.clock().monotonicNs() + wait * SECOND_NS,
                                            () -> killNow(container));
                        }
                    }
                } catch (AgentException e) {
                    container.stopAnswers.remove(answer);
                    answer.onFailure(e);
                } catch (ContainerizerException e) {
                    container.stopAnswers.remove(answer);
                    answer.onFailure(AgentException.failed("stop " + container.name, e));
                }
            }
        }
    }

    private void tellKill(Container container, int signal) {
        conductor.tell(container, "kill", Map.of("signal", String.valueOf(signal)));
    }

    /** Kills everything in the container; who waits is told after ten seconds if that did not end it. */
    private void killNow(Container container) {
        container.cancelTimer();
        tellKill(container, Signals.SIGKILL);
        try {
            parts.containerizer().kill(container.id);
        } catch (ContainerizerException e) {
            AgentLog.error("kill " + container.id.shortForm(), e);
        }
        container.timer =
                timers.at(
                        parts.clock().monotonicNs() + KILL_PATIENCE_NS,
                        () -> {
                            AgentException late =
                                    new AgentException(
                                            AgentException.Kind.FAILED,
                                            "container "
                                                    + container.name
                                                    + " did not end 10 seconds after SIGKILL");
                            drain(container.stopAnswers).forEach(answer -> answer.onFailure(late));
                            drain(container.removeAnswers)
                                    .forEach(answer -> answer.onFailure(late));
                        });
    }

    void kill(Container container, int signal, Answer<Boolean> answer) {
        if (container.status == Status.STARTING) {
            starts.later(container, () -> kill(container, signal, answer));
            return;
        }
        if (!container.status.isAlive()) {
            answer.onFailure(notRunning(container));
            return;
        }
        try {
            if (signal == Signals.SIGKILL) {
                container.stoppedByUser = true;
                history.stopAsked(container);
                container.stopAnswers.add(answer);
                killNow(container);
                return;
            }
            if (!parts.containerizer().signal(container.id, signal)) {
                answer.onFailure(notRunning(container));
                return;
            }
            if (signal == container.spec.stopSignal()) {
                container.stoppedByUser = true;
                history.stopAsked(container);
            }
            tellKill(container, signal);
            answer.onResult(true);
        } catch (AgentException e) {
            answer.onFailure(e);
        } catch (ContainerizerException e) {
            answer.onFailure(AgentException.failed("kill " + container.name, e));
        }
    }

    static AgentException notRunning(Container container) {
        return AgentException.conflict("container " + container.id + " is not running");
    }

    void pause(Container container, boolean paused, Answer<Boolean> answer) {
        if (container.status == Status.STARTING) {
            starts.later(container, () -> pause(container, paused, answer));
            return;
        }
        if (!container.status.isAlive()) {
            answer.onFailure(notRunning(container));
            return;
        }
        if ((container.status == Status.PAUSED) == paused) {
            answer.onFailure(
                    AgentException.conflict(
                            "container "
                                    + container.id
                                    + (paused ? " is already paused" : " is not paused")));
            return;
        }
        container.pauseAnswers.add(answer);
        try {
            parts.containerizer().pause(container.id, paused);
        } catch (ContainerizerException e) {
            container.pauseAnswers.remove(answer);
            answer.onFailure(AgentException.failed("pause " + container.name, e));
        }
    }

    void restart(
            Container container, OptionalInt signal, OptionalInt seconds, Answer<Boolean> answer) {
        if (container.status == Status.STARTING) {
            starts.later(container, () -> restart(container, signal, seconds, answer));
        } else if (container.status.isAlive()) {
            container.restartAsked = true;
            container.startAnswers.add(answer);
            stop(container, signal, seconds, Answer.ignore());
        } else {
            starts.start(container, answer);
        }
    }

    void remove(Container container, boolean force, Answer<Boolean> answer) {
        if (container.status == Status.STARTING) {
            starts.later(container, () -> remove(container, force, answer));
            return;
        }
        boolean busy = container.status.isAlive() || container.status == Status.RESTARTING;
        if (busy && !force) {
            answer.onFailure(
                    AgentException.conflict(
                            "cannot remove container \"/"
                                    + container.name
                                    + "\": container is "
                                    + container.status.word()
                                    + ": stop the container before removing or force remove"));
        } else if (container.status.isAlive()) {
            container.removeAsked = true;
            container.stoppedByUser = true;
            container.removeAnswers.add(answer);
            killNow(container);
        } else {
            remove(container, answer);
        }
    }

    /** Takes away one that does not run. */
    void remove(Container container, Answer<Boolean> answer) {
        BiConsumer<Container, Answer<Boolean>> with = remover;
        if (with != null) {
            with.accept(container, answer);
        }
    }
}
