package dev.berth.gpu.health;

import dev.berth.gpu.health.DeviceHealth.Cure;
import dev.berth.gpu.health.DeviceHealth.Incident;
import dev.berth.gpu.health.DeviceHealth.State;
import dev.berth.gpu.health.DeviceHealth.Suspicion;
import dev.berth.isolator.ContainerId;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * What becomes of a device's health with each input. Pure: no clock, no I/O, nothing remembered; the table is in the package's documentation and every pair of it is tested.
 *
 * <p>Thread: any.
 */
public final class HealthPolicy {
    private final HealthSettings settings;

    public HealthPolicy(HealthSettings settings) {
        this.settings = settings;
    }

    public HealthSettings settings() {
        return settings;
    }

    /** The next health and what has to be done, in order. */
    public record Step(DeviceHealth health, List<HealthAction> actions) {
        public Step {
            actions = List.copyOf(actions);
        }
    }

    /** {@code realtimeNs}: CLOCK_REALTIME; it may go back. */
    public Step next(DeviceHealth health, HealthInput input, long realtimeNs) {
        return switch (health.state()) {
            case HEALTHY, SUSPECT -> inUse(health, input, realtimeNs);
            case DRAINING -> draining(health, input, realtimeNs);
            case RESETTING -> resetting(health, input, realtimeNs);
            case VERIFYING -> verifying(health, input, realtimeNs);
            case FAILED -> failed(health, input, realtimeNs);
        };
    }

    /** How a device goes on whose record an earlier agent left: {@code held} as the ledger found it. */
    public Step restored(HealthRecord record, boolean held, String bootId, long now) {
        DeviceHealth blank = DeviceHealth.healthy(record.device(), record.sinceNs()).withHeld(held);
        DeviceHealth found =
                blank.in(
                        record.state(),
                        Suspicion.NONE,
                        record.cure(),
                        record.reason(),
                        record.sinceNs());
        boolean rebooted = !bootId.equals(record.bootId());
        return switch (record.state()) {
            case HEALTHY, SUSPECT -> stay(blank);
            case FAILED -> {
                if (rebooted && record.cure() == Cure.REBOOT && !held) {
                    yield verify(found, "the node was started again: " + record.reason(), now);
                }
                yield move(blank, found, List.of());
            }
            case DRAINING -> {
                if (held) {
                    yield move(blank, found, List.of());
                }
                yield rebooted && record.cure() != Cure.OPERATOR
                        ? verify(found, "the node was started again: " + record.reason(), now)
                        : cure(found, record.cure(), record.reason(), now);
            }
            case RESETTING, VERIFYING -> {
                if (held) {
                    yield move(
                            blank,
                            found.in(
                                    State.DRAINING,
                                    Suspicion.NONE,
                                    Cure.RESET,
                                    record.reason(),
                                    now),
                            List.of());
                }
                yield rebooted || record.state() == State.VERIFYING
                        ? verify(found, record.reason(), now)
                        : reset(found, record.reason(), now);
            }
        };
    }

    private Step inUse(DeviceHealth h, HealthInput input, long now) {
        return switch (input) {
            case HealthInput.Noted() -> noted(h);
            case HealthInput.ApplicationFault fault -> applicationFault(h, fault, now);
            case HealthInput.DeviceFault fault -> deviceFault(h, fault, now);
            case HealthInput.Needs needs -> needs(h, needs, now);
            case HealthInput.Unreachable(String reason) ->
                    h.suspicion() == Suspicion.UNREACHABLE
                            ? stay(h)
                            : suspect(h, Suspicion.UNREACHABLE, reason, now, List.of());
            case HealthInput.Reachable() -> {
                if (h.suspicion() != Suspicion.UNREACHABLE) {
                    yield stay(h);
                }
                yield h.held() ? healthy(h, now) : verify(h, "it answers again", now);
            }
            case HealthInput.EventsLost() -> inspect(h);
            case HealthInput.Held() -> stay(h.withHeld(true));
            case HealthInput.Idle() -> {
                DeviceHealth idle = h.withHeld(false);
                yield h.suspicion() == Suspicion.FAULT ? verify(idle, h.reason(), now) : stay(idle);
            }
            case HealthInput.Clean() -> h.held() ? stay(h) : healthy(h, now);
            case HealthInput.Dirty dirty ->
                    h.held() || h.suspicion() == Suspicion.UNREACHABLE
                            ? stay(h)
                            : dirty(h, dirty, now);
            case HealthInput.ResetDone(), HealthInput.ResetFailed(_) -> stay(h);
            case HealthInput.Released() ->
                    !h.usable() && !h.held() ? verify(h, "released by the operator", now) : stay(h);
            case HealthInput.Elapsed() -> elapsedInUse(h, now);
        };
    }

    private Step elapsedInUse(DeviceHealth h, long now) {
        if (now < h.deadlineNs()) {
            return stay(h);
        }
        if (h.suspicion() == Suspicion.UNREACHABLE && !h.held()) {
            return verify(h, h.reason(), now);
        }
        return h.suspicion() == Suspicion.APPLICATION
                ? healthy(h, now)
                : stay(h.withDeadline(DeviceHealth.NEVER));
    }

    private Step draining(DeviceHealth h, HealthInput input, long now) {
        return switch (input) {
            case HealthInput.Noted() -> noted(h);
            case HealthInput.ApplicationFault _ -> counted(h, true);
            case HealthInput.DeviceFault _ -> counted(h, false);
            case HealthInput.Needs needs -> needs(h, needs, now);
            case HealthInput.Unreachable(_), HealthInput.Reachable() -> stay(h);
            case HealthInput.EventsLost() -> inspect(h);
            case HealthInput.Held() -> stay(h.withHeld(true));
            case HealthInput.Idle() -> cure(h.withHeld(false), h.cure(), h.reason(), now);
            case HealthInput.Clean(), HealthInput.Dirty _ -> stay(h);
            case HealthInput.ResetDone(), HealthInput.ResetFailed(_) -> stay(h);
            case HealthInput.Released() -> stay(h);
            case HealthInput.Elapsed() ->
                    now < h.deadlineNs()
                            ? stay(h)
                            : new Step(
                                    h.withDeadline(DeviceHealth.NEVER),
                                    List.of(new HealthAction.KillHolders(h.device(), h.reason())));
        };
    }

    private Step resetting(DeviceHealth h, HealthInput input, long now) {
        return switch (input) {
            case HealthInput.Noted() -> noted(h);
            case HealthInput.ApplicationFault _ -> counted(h, true);
            case HealthInput.DeviceFault _ -> counted(h, false);
            case HealthInput.Needs needs ->
                    needs.cure().compareTo(Cure.RESET) > 0
                            ? fail(h, needs.cure(), needs.reason(), now)
                            : stay(h);
            case HealthInput.Unreachable(_), HealthInput.Reachable() -> stay(h);
            case HealthInput.EventsLost() -> stay(h);
            case HealthInput.Held() -> stay(h.withHeld(true));
            case HealthInput.Idle() -> stay(h.withHeld(false));
            case HealthInput.Clean(), HealthInput.Dirty _ -> stay(h);
            case HealthInput.ResetDone() -> {
                DeviceHealth done =
                        h.withCounters(h.counters().reset(true)).withIncidents(List.of());
                yield verify(done, "was reset: " + h.reason(), now);
            }
            case HealthInput.ResetFailed(String reason) -> {
                DeviceHealth tried = h.withCounters(h.counters().reset(false));
                yield h.resets() < settings.resetAttempts()
                        ? needs(tried, new HealthInput.Needs(Cure.RESET, false, h.reason()), now)
                        : fail(tried, Cure.REBOOT, "reset failed: " + reason, now);
            }
            case HealthInput.Released() -> stay(h);
            case HealthInput.Elapsed() ->
                    now < h.deadlineNs()
                            ? stay(h)
                            : fail(
                                    h.withCounters(h.counters().reset(false)),
                                    Cure.REBOOT,
                                    "reset did not end within " + seconds(settings.resetNs()),
                                    now);
        };
    }

    private Step verifying(DeviceHealth h, HealthInput input, long now) {
        return switch (input) {
            case HealthInput.Noted() -> noted(h);
            case HealthInput.ApplicationFault _ -> counted(h, true);
            case HealthInput.DeviceFault _ -> counted(h, false);
            case HealthInput.Needs needs ->
                    needs.cure().compareTo(Cure.VERIFICATION) <= 0 ? stay(h) : needs(h, needs, now);
            case HealthInput.Unreachable(String reason) ->
                    suspect(h, Suspicion.UNREACHABLE, reason, now, List.of());
            case HealthInput.Reachable() -> stay(h);
            case HealthInput.EventsLost() -> inspect(h);
            case HealthInput.Held() -> stay(h.withHeld(true));
            case HealthInput.Idle() -> stay(h.withHeld(false));
            case HealthInput.Clean() -> healthy(h, now);
            case HealthInput.Dirty dirty -> dirty(h, dirty, now);
            case HealthInput.ResetDone(), HealthInput.ResetFailed(_) -> stay(h);
            case HealthInput.Released() ->
                    new Step(h, List.of(new HealthAction.Verify(h.device())));
            case HealthInput.Elapsed() -> {
                if (now < h.deadlineNs()) {
                    yield stay(h);
                }
                String reason =
                        "no answer to a verification within " + seconds(settings.verifyNs());
                Step step = suspect(h, Suspicion.UNREACHABLE, reason, now, List.of());
                yield new Step(
                        step.health().withDeadline(now + settings.recheckNs()), step.actions());
            }
        };
    }

    private Step failed(DeviceHealth h, HealthInput input, long now) {
        return switch (input) {
            case HealthInput.Noted() -> noted(h);
            case HealthInput.ApplicationFault _ -> counted(h, true);
            case HealthInput.DeviceFault _ -> counted(h, false);
            case HealthInput.Needs needs ->
                    needs.cure().compareTo(h.cure()) > 0
                            ? fail(h, needs.cure(), needs.reason(), now)
                            : stay(h);
            case HealthInput.Unreachable(_), HealthInput.Reachable() -> stay(h);
            case HealthInput.EventsLost() -> stay(h);
            case HealthInput.Held() -> stay(h.withHeld(true));
            case HealthInput.Idle() -> stay(h.withHeld(false));
            case HealthInput.Clean(), HealthInput.Dirty _ -> stay(h);
            case HealthInput.ResetDone(), HealthInput.ResetFailed(_) -> stay(h);
            case HealthInput.Released() -> {
                String reason = "released by the operator; was: " + h.reason();
                DeviceHealth fresh = h.withResets(0).withIncidents(List.of());
                yield h.held()
                        ? drain(fresh, new HealthInput.Needs(Cure.VERIFICATION, false, reason), now)
                        : verify(fresh, reason, now);
            }
            case HealthInput.Elapsed() -> stay(h);
        };
    }

    private Step applicationFault(DeviceHealth h, HealthInput.ApplicationFault fault, long now) {
        List<Incident> incidents =
                Incidents.add(
                        h.incidents(),
                        new Incident(now, fault.code(), true, fault.container()),
                        settings);
        boolean counts = Incidents.count(incidents, true) > Incidents.count(h.incidents(), true);
        DeviceHealth after = h.withIncidents(incidents).withCounters(h.counters().faulted(true));
        int programs = Incidents.count(incidents, true);
        int containers = Incidents.containers(incidents);
        if (programs >= settings.applicationFaults()
                && containers >= settings.distinctContainers()) {
            String reason =
                    programs
                            + " faults of programs in "
                            + containers
                            + " containers within "
                            + seconds(settings.windowNs())
                            + ", the last: "
                            + fault.reason();
            return needs(after, new HealthInput.Needs(Cure.RESET, false, reason), now);
        }
        List<HealthAction> tell =
                counts && h.held()
                        ? List.of(notify(h, fault.reason(), fault.container()))
                        : List.of();
        if (h.suspicion().compareTo(Suspicion.APPLICATION) > 0) {
            return new Step(after, tell);
        }
        Step step = suspect(after, Suspicion.APPLICATION, fault.reason(), now, tell);
        return new Step(step.health().withDeadline(now + settings.windowNs()), step.actions());
    }

    private Step deviceFault(DeviceHealth h, HealthInput.DeviceFault fault, long now) {
        List<Incident> incidents =
                Incidents.add(
                        h.incidents(),
                        new Incident(now, fault.code(), false, Optional.empty()),
                        settings);
        boolean counts = Incidents.count(incidents, false) > Incidents.count(h.incidents(), false);
        DeviceHealth after = h.withIncidents(incidents).withCounters(h.counters().faulted(false));
        int faults = Incidents.count(incidents, false);
        if (faults >= settings.deviceFaults()) {
            String reason =
                    faults
                            + " faults within "
                            + seconds(settings.windowNs())
                            + ", the last: "
                            + fault.reason();
            return needs(after, new HealthInput.Needs(Cure.RESET, false, reason), now);
        }
        if (h.suspicion() == Suspicion.UNREACHABLE) {
            return stay(after);
        }
        if (!h.held()) {
            return verify(after, fault.reason(), now);
        }
        List<HealthAction> tell =
                counts ? List.of(notify(h, fault.reason(), Optional.empty())) : List.of();
        return suspect(after, Suspicion.FAULT, fault.reason(), now, tell);
    }

    private Step needs(DeviceHealth h, HealthInput.Needs needs, long now) {
        if (needs.cure() == Cure.NONE) {
            return noted(h);
        }
        if (h.held()) {
            return drain(h, needs, now);
        }
        boolean known = needs.cure().compareTo(h.cure()) <= 0;
        return known
                ? cure(h, h.cure(), h.reason(), now)
                : cure(h, needs.cure(), needs.reason(), now);
    }

    /** No new work; the holder is told, and ended where the settings want it. */
    private Step drain(DeviceHealth h, HealthInput.Needs needs, long now) {
        boolean draining = h.state() == State.DRAINING;
        boolean graver = !draining || needs.cure().compareTo(h.cure()) > 0;
        if (!graver && !needs.urgent()) {
            return stay(h);
        }
        Cure cure = graver ? needs.cure() : h.cure();
        DeviceHealth after =
                h.in(
                        State.DRAINING,
                        Suspicion.NONE,
                        cure,
                        graver ? needs.reason() : h.reason(),
                        now);
        List<HealthAction> actions = new ArrayList<>();
        if (graver) {
            actions.add(notify(h, needs.reason(), Optional.empty()));
        }
        if (settings.killHolders() && needs.urgent()) {
            actions.add(new HealthAction.KillHolders(h.device(), needs.reason()));
            after = after.withDeadline(DeviceHealth.NEVER);
        } else if (settings.killHolders() && !draining) {
            after = after.withDeadline(now + settings.drainNs());
        }
        return move(h, after, actions);
    }

    /** What an idle device goes through for a cure. */
    private Step cure(DeviceHealth h, Cure cure, String reason, long now) {
        return switch (cure) {
            case NONE, VERIFICATION -> verify(h, reason, now);
            case RESET ->
                    h.resets() < settings.resetAttempts()
                            ? reset(h, reason, now)
                            : fail(
                                    h,
                                    Cure.OPERATOR,
                                    "after " + h.resets() + " resets: " + reason,
                                    now);
            case REBOOT, OPERATOR -> fail(h, cure, reason, now);
        };
    }

    private Step dirty(DeviceHealth h, HealthInput.Dirty dirty, long now) {
        Cure cure = dirty.resetHelps() ? Cure.RESET : Cure.OPERATOR;
        return needs(h, new HealthInput.Needs(cure, false, dirty.problem()), now);
    }

    private Step suspect(
            DeviceHealth h,
            Suspicion suspicion,
            String reason,
            long now,
            List<HealthAction> actions) {
        return move(h, h.in(State.SUSPECT, suspicion, Cure.NONE, reason, now), actions);
    }

    private Step healthy(DeviceHealth h, long now) {
        DeviceHealth after = h.in(State.HEALTHY, Suspicion.NONE, Cure.NONE, "", now);
        return move(h, after.withResets(0).withDeadline(DeviceHealth.NEVER), List.of());
    }

    private Step verify(DeviceHealth h, String reason, long now) {
        DeviceHealth after = h.in(State.VERIFYING, Suspicion.NONE, Cure.NONE, reason, now);
        return move(
                h,
                after.withDeadline(now + settings.verifyNs()),
                List.of(new HealthAction.Verify(h.device())));
    }

    private Step reset(DeviceHealth h, String reason, long now) {
        DeviceHealth after = h.in(State.RESETTING, Suspicion.NONE, Cure.NONE, reason, now);
        return move(
                h,
                after.withResets(h.resets() + 1).withDeadline(now + settings.resetNs()),
                List.of(new HealthAction.Reset(h.device())));
    }

    private Step fail(DeviceHealth h, Cure cure, String reason, long now) {
        return move(h, h.in(State.FAILED, Suspicion.NONE, cure, reason, now), List.of());
    }

    /** The step with what every change of state brings: first what must be durable, then what the ledger has to know. */
    private static Step move(DeviceHealth before, DeviceHealth after, List<HealthAction> further) {
        List<HealthAction> actions = new ArrayList<>();
        boolean changed =
                before.state() != after.state()
                        || before.suspicion() != after.suspicion()
                        || before.cure() != after.cure();
        if (changed && after.durable()) {
            // The boot's identity is filled in by whoever knows it.
            actions.add(
                    new HealthAction.Persist(
                            new HealthRecord(
                                    after.device(),
                                    after.state(),
                                    after.cure(),
                                    after.reason(),
                                    after.sinceNs(),
                                    "")));
        } else if (before.durable() && !after.durable()) {
            actions.add(new HealthAction.Forget(after.device()));
        }
        if (changed && before.usable() != after.usable()) {
            actions.add(new HealthAction.SetUsable(after.device(), after.usable(), after.reason()));
        }
        if (changed) {
            actions.add(new HealthAction.Changed(before, after));
        }
        actions.addAll(further);
        return new Step(after, actions);
    }

    private static Step stay(DeviceHealth h) {
        return new Step(h, List.of());
    }

    private static Step noted(DeviceHealth h) {
        return stay(h.withCounters(h.counters().noted()));
    }

    private static Step counted(DeviceHealth h, boolean application) {
        return stay(h.withCounters(h.counters().faulted(application)));
    }

    private static Step inspect(DeviceHealth h) {
        return new Step(h, List.of(new HealthAction.Inspect(h.device())));
    }

    private static HealthAction notify(
            DeviceHealth h, String reason, Optional<ContainerId> blamed) {
        return new HealthAction.NotifyHolders(h.device(), reason, blamed);
    }

    private static String seconds(long ns) {
        long seconds = TimeUnit.NANOSECONDS.toSeconds(ns);
        return seconds % 60 == 0 ? seconds / 60 + " min" : seconds + " s";
    }
}
