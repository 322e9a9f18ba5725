package dev.berth.gpu.health;

import dev.berth.gpu.HealthSignal;
import dev.berth.gpu.health.Diagnosis.Weight;

import java.util.OptionalInt;

/**
 * Stands before the policy of one device: equal signals within a short time are one, the same XID from two sources is one, and different ones are let through at a bounded rate. Work and memory per signal are
 * constant, whatever comes: a table of {@value #SLOTS} signals and a bucket. Grave signals are never held back by others, only by their equals.
 *
 * <p>Thread: one at a time. Times: CLOCK_REALTIME; when it goes back, everything counts as new.
 */
final class StormGuard {
    static final int SLOTS = 16;
    private static final long SECOND = 1_000_000_000L;
    private static final int BURST_SECONDS = 3;

    private final HealthSettings settings;
    private final Slot[] slots = new Slot[SLOTS];
    private double tokens;
    private long refilledNs;

    /** One signal that was let through. */
    private static final class Slot {
        HealthSignal.Kind kind = HealthSignal.Kind.XID;
        int code;
        OptionalInt pid = OptionalInt.empty();
        String firstSource = "";
        boolean bothSources;
        long admittedNs = Long.MIN_VALUE;
    }

    /** What becomes of a signal. */
    enum Verdict {
        /** For the policy. */
        NEW,
        /** The other source's report of one that the policy has seen. */
        OTHER_SOURCE,
        /** One that the policy has just seen. */
        REPEATED,
        /** Too many different ones. */
        SHED
    }

    StormGuard(HealthSettings settings) {
        this.settings = settings;
        for (int i = 0; i < SLOTS; i++) {
            slots[i] = new Slot();
        }
        tokens = burst();
    }

    private double burst() {
        return (double) settings.signalsPerSecond() * BURST_SECONDS;
    }

    Verdict admit(HealthSignal signal, Weight weight, long now) {
        Slot oldest = slots[0];
        for (Slot slot : slots) {
            if (matches(slot, signal, weight)) {
                long age = now - slot.admittedNs;
                boolean other = !slot.bothSources && !slot.firstSource.equals(signal.source());
                if (other && age >= 0 && age <= settings.otherSourceNs()) {
                    slot.bothSources = true;
                    return Verdict.OTHER_SOURCE;
                }
                if (age >= 0 && age < settings.quietNs()) {
                    return Verdict.REPEATED;
                }
                return take(slot, signal, weight, now);
            }
            if (slot.admittedNs < oldest.admittedNs) {
                oldest = slot;
            }
        }
        return take(oldest, signal, weight, now);
    }

    /** A grave one is the same whichever process it hit. */
    private static boolean matches(Slot slot, HealthSignal signal, Weight weight) {
        return slot.admittedNs != Long.MIN_VALUE
                && slot.kind == signal.kind()
                && slot.code == signal.code()
                && (weight == Weight.GRAVE
                        || slot.pid.isEmpty()
                        || signal.pid().isEmpty()
                        || slot.pid.equals(signal.pid()));
    }

    private Verdict take(Slot slot, HealthSignal signal, Weight weight, long now) {
        if (weight != Weight.GRAVE && !pay(now)) {
            return Verdict.SHED;
        }
        slot.kind = signal.kind();
        slot.code = signal.code();
        slot.pid = signal.pid();
        slot.firstSource = signal.source();
        slot.bothSources = false;
        slot.admittedNs = now;
        return Verdict.NEW;
    }

    private boolean pay(long now) {
        long passed = now - refilledNs;
        if (passed < 0) {
            passed = 0;
        }
        refilledNs = now;
        tokens = Math.min(burst(), tokens + (double) passed / SECOND * settings.signalsPerSecond());
        if (tokens < 1) {
            return false;
        }
        tokens--;
        return true;
    }
}
