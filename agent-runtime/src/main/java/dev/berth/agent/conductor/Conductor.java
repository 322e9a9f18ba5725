package dev.berth.agent.conductor;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.agent.device.DeviceSnapshot;
import dev.berth.containerizer.Containerizer.ContainerEvent;

import org.agrona.concurrent.Agent;
import org.agrona.concurrent.ManyToOneConcurrentLinkedQueue;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The single writer of all container state: drains commands, polls the containerizer, runs timers. Whoever drives it calls {@link #doWork} until it returns 0, then waits for the wake-up, a descriptor, or
 * {@link #nextTimerNs}.
 *
 * <p>Thread: one, the same for every call but {@link #offer}.
 */
public final class Conductor implements Agent {
    private static final int COMMANDS_PER_CYCLE = 256;
    private static final int EVENTS_PER_CYCLE = 256;

    private final ManyToOneConcurrentLinkedQueue<Runnable> commands =
            new ManyToOneConcurrentLinkedQueue<>();
    private final ConductorParts parts;
    private final Timers timers = new Timers();
    private final EventLog events = new EventLog();
    private final Registry registry;
    private final History history;
    private final Lifecycle lifecycle;
    private final Creation creation;
    private final Execs execs;
    private final Guards guards;
    private final Grants grants;
    private final Updates updates;
    private long lastActivityNs;

    /** Opens the journal; {@link #recover} must be the first thing that is then called. */
    public Conductor(ConductorParts parts) throws AgentException {
        this.parts = parts;
        registry = new Registry(parts.views());
        history = new History(parts);
        grants = new Grants(this, parts, registry);
        execs = new Execs(this, parts, registry);
        updates = new Updates(this, parts);
        lifecycle = new Lifecycle(this, parts, registry, history, timers);
        creation = new Creation(this, parts, registry, history);
        guards = new Guards(this, parts, registry, timers);
        lifecycle.removeWith(creation::remove);
        lastActivityNs = parts.clock().monotonicNs();
    }

    /** Takes over what an earlier agent left: records, journal, running containers. */
    public void recover() throws AgentException {
        new Recovery(parts, registry, history, grants).run();
        while (parts.containerizer().poll(this::onContainerEvent, EVENTS_PER_CYCLE) > 0) {
            // Exits of the meantime come first, so that the API never shows an older state.
        }
        lifecycle.resumePolicies();
    }

    /** Hands a command to the conductor's thread. Any thread. */
    public void offer(Runnable command) {
        commands.offer(command);
        parts.wake().run();
    }

    @Override
    public int doWork() {
        int work = 0;
        while (work < COMMANDS_PER_CYCLE) {
            Runnable command = commands.poll();
            if (command == null) {
                break;
            }
            guarded(command);
            work++;
        }
        if (work > 0) {
            lastActivityNs = parts.clock().monotonicNs();
        }
        work += parts.containerizer().poll(this::onContainerEvent, EVENTS_PER_CYCLE);
        work += grants.desk().poll();
        work += timers.run(parts.clock().monotonicNs());
        return work;
    }

    /** When the next timer is due, monotonic; Long.MAX_VALUE when there is none. */
    public long nextTimerNs() {
        return Math.min(timers.nextNs(), grants.desk().nextNs());
    }

    @Override
    public String roleName() {
        return "conductor";
    }

    @Override
    public void onClose() {
        grants.desk().close();
        history.close();
    }

    /** The devices as they are now. Any thread. */
    public DeviceSnapshot devices() {
        return grants.desk().snapshot();
    }

    /** Whether {@link #devices} has what there is, and not only what was found so far. Conductor thread. */
    public boolean knowsDevices() {
        return grants.desk().isKnown();
    }

    /** Since when nothing runs and nothing was asked; Long.MAX_VALUE while something does. */
    long idleSinceNs() {
        return registry.anyAlive() ? Long.MAX_VALUE : lastActivityNs;
    }

    /** Ends the agent, by {@code action}, once nothing has run and nothing was asked for {@code seconds}, and {@code busy} is false. */
    public void whenIdle(int seconds, java.util.function.BooleanSupplier busy, Runnable action) {
        long spanNs = seconds * 1_000_000_000L;
        long now = parts.clock().monotonicNs();
        if (busy.getAsBoolean() || registry.anyAlive()) {
            lastActivityNs = now;
        }
        if (now - lastActivityNs >= spanNs) {
            action.run();
            return;
        }
        timers.at(lastActivityNs + spanNs, () -> whenIdle(seconds, busy, action));
    }

    /** Runs a step at a moment of CLOCK_MONOTONIC; what is returned takes it back. Conductor thread. */
    public Runnable at(long atNs, Runnable step) {
        Timers.Timer timer = timers.at(atNs, () -> guarded(step));
        return timer::cancel;
    }

    Lifecycle lifecycle() {
        return lifecycle;
    }

    Creation creation() {
        return creation;
    }

    Execs execs() {
        return execs;
    }

    Grants grants() {
        return grants;
    }

    Guards guards() {
        return guards;
    }

    Updates updates() {
        return updates;
    }

    Registry registry() {
        return registry;
    }

    EventLog events() {
        return events;
    }

    ConductorParts parts() {
        return parts;
    }

    /** Runs a job on a lane and comes back with its end on the conductor's thread. */
    void onLane(FileLane lane, Runnable job) {
        lane.run(() -> guarded(job));
    }

    /** Publishes an event about a container, with its labels as Docker does. */
    void tell(Container container, String action, Map<String, String> more) {
        Map<String, String> attributes = new LinkedHashMap<>();
        try {
            attributes.putAll(container.spec.labels());
        } catch (AgentException e) {
            AgentLog.warn("labels of " + container.id.shortForm() + ": " + e.chain());
        }
        attributes.put("image", container.spec.image());
        attributes.put("name", container.name);
        attributes.putAll(more);
        tell("container", action, container.id.value(), attributes);
    }

    void tell(String type, String action, String actor, Map<String, String> attributes) {
        events.publish(
                new AgentEvent(
                        type, action, actor, Map.copyOf(attributes), parts.clock().realtimeNs()));
    }

    private void onContainerEvent(ContainerEvent event) {
        guarded(() -> {
            switch (event) {
                case ContainerEvent.Started started -> lifecycle.starts().onStarted(started);
                case ContainerEvent.StartFailed failed -> lifecycle.starts().onStartFailed(failed);
                case ContainerEvent.Oom oom -> lifecycle.onOom(oom);
                case ContainerEvent.Paused paused -> lifecycle.onPaused(paused);
                case ContainerEvent.Exited exited -> {
                    execs.onContainerEnded(exited.id());
                    lifecycle.onExited(exited);
                }
                case ContainerEvent.ExecStarted started -> execs.onStarted(started);
                case ContainerEvent.ExecFailed failed -> execs.onFailed(failed);
                case ContainerEvent.ExecExited exited -> execs.onExited(exited);
            }
        });
    }

    /** The duty cycle's guard: a bug in one command must not stop the agent. */
    private void guarded(Runnable step) {
        try {
            step.run();
        } catch (RuntimeException e) {
            parts.counters().increment(Counter.COMMAND_FAILURES);
            AgentLog.error("command failed", e);
        }
    }
}
