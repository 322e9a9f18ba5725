package dev.berth.gpu.health;

import dev.berth.isolator.ContainerId;

import java.util.Optional;

/** What {@link HealthPolicy} hears of one device: a signal as {@link Diagnosis} reads it, an answer of the provider, what the ledger did, or time. */
public sealed interface HealthInput {
    /** Worth remembering, without consequence. */
    record Noted() implements HealthInput {}

    /** A program failed on the device. {@code container}: whose, where that is known. */
    record ApplicationFault(int code, String reason, Optional<ContainerId> container)
            implements HealthInput {}

    /** The device may be at fault itself: it is looked at before it is given out again. */
    record DeviceFault(int code, String reason) implements HealthInput {}

    /**
     * The device cannot go on without a cure.
     *
     * @param urgent what runs on it is lost already; else it may finish
     */
    record Needs(DeviceHealth.Cure cure, boolean urgent, String reason) implements HealthInput {}

    /** It does not answer, alone or with its whole source. */
    record Unreachable(String reason) implements HealthInput {}

    /** It answers again. */
    record Reachable() implements HealthInput {}

    /** The source lost events: what was missed has to be looked up. */
    record EventsLost() implements HealthInput {}

    /** A container holds it now. */
    record Held() implements HealthInput {}

    /** Nobody holds it any more. */
    record Idle() implements HealthInput {}

    /** Verified: nobody uses it and nothing is left on it. */
    record Clean() implements HealthInput {}

    /** Verified with a finding. */
    record Dirty(String problem, boolean resetHelps) implements HealthInput {}

    record ResetDone() implements HealthInput {}

    record ResetFailed(String reason) implements HealthInput {}

    /** The operator gives it back. */
    record Released() implements HealthInput {}

    /** Time passes; means something once the deadline has passed. */
    record Elapsed() implements HealthInput {}
}
