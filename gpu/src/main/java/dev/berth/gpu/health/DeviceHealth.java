package dev.berth.gpu.health;

import dev.berth.gpu.DeviceId;
import dev.berth.isolator.ContainerId;

import java.util.List;
import java.util.Optional;

/**
 * The health of one device at one time. A value: {@link HealthPolicy#next} makes the next one. Times are CLOCK_REALTIME, in nanoseconds since 1970, since they outlive the agent.
 *
 * @param suspicion what a SUSPECT one is suspected of, {@link Suspicion#NONE} in every other state
 * @param cure what a DRAINING one waits for and what a FAILED one would need, {@link Cure#NONE} in every other state
 * @param held whether a container holds it
 * @param reason why it is in this state, one line for people; empty when HEALTHY
 * @param sinceNs when it came to this state
 * @param deadlineNs when {@link HealthInput.Elapsed} means something; {@link #NEVER} when it does not
 * @param resets resets and failed ones since it was last HEALTHY
 * @param incidents faults within the window, oldest first, at most {@link #MAX_INCIDENTS}
 */
public record DeviceHealth(
        DeviceId device,
        State state,
        Suspicion suspicion,
        Cure cure,
        boolean held,
        String reason,
        long sinceNs,
        long deadlineNs,
        int resets,
        List<Incident> incidents,
        Counters counters) {
    public static final long NEVER = Long.MAX_VALUE;
    static final int MAX_INCIDENTS = 16;

    public DeviceHealth {
        incidents = List.copyOf(incidents);
    }

    /** Transitions: see the package. */
    public enum State {
        /** Given out. */
        HEALTHY,
        /** Something was said against it: see {@link Suspicion}. */
        SUSPECT,
        /** No new work; what runs goes on, unless the policy ends it. */
        DRAINING,
        RESETTING,
        /** Idle and asked whether it is well and clean. */
        VERIFYING,
        /** Out of use until an operator releases it or, where that is its cure, the node was started again. Survives the agent. */
        FAILED
    }

    /** Graver ones last. */
    public enum Suspicion {
        NONE,
        /** Programs failed on it. It is given out: a program's fault says little against the device. */
        APPLICATION,
        /** It may be at fault itself. Withheld until it was verified. */
        FAULT,
        /** It does not answer. Withheld until it does and was verified. */
        UNREACHABLE
    }

    /** What would bring it back; those that take more last. */
    public enum Cure {
        NONE,
        VERIFICATION,
        RESET,
        REBOOT,
        /** Repair or replacement: an operator says when it is back. */
        OPERATOR
    }

    /**
     * A fault, or several of one container within a short time.
     *
     * @param application a program's fault, else the device's own
     * @param container whose process it was, where that is known
     */
    public record Incident(
            long realtimeNs, int code, boolean application, Optional<ContainerId> container) {}

    /** Since the agent's start. {@code notes}: signals without consequence. */
    public record Counters(
            long notes, long applicationFaults, long deviceFaults, long resets, long failedResets) {
        static final Counters ZERO = new Counters(0, 0, 0, 0, 0);

        Counters noted() {
            return new Counters(notes + 1, applicationFaults, deviceFaults, resets, failedResets);
        }

        Counters faulted(boolean application) {
            return new Counters(
                    notes,
                    applicationFaults + (application ? 1 : 0),
                    deviceFaults + (application ? 0 : 1),
                    resets,
                    failedResets);
        }

        Counters reset(boolean worked) {
            return new Counters(
                    notes,
                    applicationFaults,
                    deviceFaults,
                    resets + (worked ? 1 : 0),
                    failedResets + (worked ? 0 : 1));
        }
    }

    /** One of which nothing is known yet. */
    public static DeviceHealth healthy(DeviceId device, long realtimeNs) {
        return new DeviceHealth(
                device,
                State.HEALTHY,
                Suspicion.NONE,
                Cure.NONE,
                false,
                "",
                realtimeNs,
                NEVER,
                0,
                List.of(),
                Counters.ZERO);
    }

    /** Whether it may be given out. */
    public boolean usable() {
        return state == State.HEALTHY
                || (state == State.SUSPECT && suspicion == Suspicion.APPLICATION);
    }

    /** Whether its state has to survive the agent: what an agent without memory would give out wrongly. */
    boolean durable() {
        return switch (state) {
            case HEALTHY, SUSPECT -> false;
            case DRAINING, RESETTING, VERIFYING, FAILED -> true;
        };
    }

    DeviceHealth withHeld(boolean now) {
        return new DeviceHealth(
                device,
                state,
                suspicion,
                cure,
                now,
                reason,
                sinceNs,
                deadlineNs,
                resets,
                incidents,
                counters);
    }

    DeviceHealth withDeadline(long ns) {
        return new DeviceHealth(
                device, state, suspicion, cure, held, reason, sinceNs, ns, resets, incidents,
                counters);
    }

    DeviceHealth withResets(int count) {
        return new DeviceHealth(
                device,
                state,
                suspicion,
                cure,
                held,
                reason,
                sinceNs,
                deadlineNs,
                count,
                incidents,
                counters);
    }

    DeviceHealth withIncidents(List<Incident> found) {
        return new DeviceHealth(
                device,
                state,
                suspicion,
                cure,
                held,
                reason,
                sinceNs,
                deadlineNs,
                resets,
                found,
                counters);
    }

    DeviceHealth withCounters(Counters counted) {
        return new DeviceHealth(
                device,
                state,
                suspicion,
                cure,
                held,
                reason,
                sinceNs,
                deadlineNs,
                resets,
                incidents,
                counted);
    }

    /** In another state, without a deadline; {@code sinceNs} stays when nothing but the reason differs. */
    DeviceHealth in(State to, Suspicion suspected, Cure needed, String why, long realtimeNs) {
        boolean same = to == state && suspected == suspicion && needed == cure;
        return new DeviceHealth(
                device,
                to,
                suspected,
                needed,
                held,
                why,
                same ? sinceNs : realtimeNs,
                same ? deadlineNs : NEVER,
                resets,
                incidents,
                counters);
    }
}
