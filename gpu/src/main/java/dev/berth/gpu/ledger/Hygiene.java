package dev.berth.gpu.ledger;

import dev.berth.gpu.Cleanliness;
import dev.berth.gpu.ledger.LedgerEvent.AskReset;
import dev.berth.gpu.ledger.LedgerEvent.AskVerify;

import java.util.ArrayDeque;
import java.util.Optional;

/**
 * The ladder of a device between two holders: look; look again after a pause; reset; look; and at its end, hopeless. A device is let off it only by a look that was asked for after its last holder.
 */
final class Hygiene {
    /** What followed from an answer. */
    enum Result {
        /** Nothing, or something was asked for. */
        ON_THE_LADDER,
        RESET_ASKED,
        CLEAN,
        HOPELESS
    }

    private final LedgerSettings settings;
    private final ArrayDeque<LedgerEvent> events;

    Hygiene(LedgerSettings settings, ArrayDeque<LedgerEvent> events) {
        this.settings = settings;
        this.events = events;
    }

    /** Puts the device at the foot of the ladder. */
    void begin(Slot slot, long nowNs) {
        slot.become(DeviceState.VERIFYING, nowNs);
        slot.looks = 0;
        slot.resets = 0;
        slot.found = "";
        slot.asked.begin();
        ask(slot, nowNs);
    }

    private void ask(Slot slot, long nowNs) {
        slot.asked.ask();
        slot.phase = Slot.Phase.ASKED;
        slot.dueNs = nowNs + settings.answerNs();
        events.add(new AskVerify(slot.id));
    }

    private void pause(Slot slot, long nowNs) {
        slot.phase = Slot.Phase.PAUSED;
        slot.dueNs = nowNs + settings.pauseNs();
    }

    /** Of a device under verification. */
    Result onLook(Slot slot, Cleanliness found, boolean current, long nowNs) {
        if (!current || slot.phase != Slot.Phase.ASKED) {
            return Result.ON_THE_LADDER;
        }
        if (found.clean()) {
            return Result.CLEAN;
        }
        slot.found = found.problem().orElseThrow();
        slot.looks++;
        if (slot.looks < settings.looks()) {
            pause(slot, nowNs);
            return Result.ON_THE_LADDER;
        }
        if (!found.resetHelps() || slot.resets >= settings.resets()) {
            return Result.HOPELESS;
        }
        slot.resets++;
        slot.phase = Slot.Phase.RESETTING;
        slot.dueNs = nowNs + settings.answerNs();
        events.add(new AskReset(slot.id, slot.found));
        return Result.RESET_ASKED;
    }

    /** The look that was asked for could not be made: it counts for nothing and is asked for again. */
    void onNoLook(Slot slot, String why, boolean current, long nowNs) {
        if (current && slot.phase == Slot.Phase.ASKED) {
            slot.found = why;
            pause(slot, nowNs);
        }
    }

    void onReset(Slot slot, Optional<String> failure, long nowNs) {
        if (slot.phase != Slot.Phase.RESETTING) {
            return;
        }
        if (failure.isPresent()) {
            // One more look, and at once the next reset: the device is no cleaner for waiting.
            slot.found = "reset failed: " + failure.get();
            slot.looks = settings.looks() - 1;
            pause(slot, nowNs);
        } else {
            slot.looks = 0;
            ask(slot, nowNs);
        }
    }

    /** Does what is due. */
    void onTime(Slot slot, long nowNs) {
        if (slot.dueNs - nowNs > 0) {
            return;
        }
        switch (slot.phase) {
            case PAUSED -> ask(slot, nowNs);
            case ASKED -> {
                slot.asked.writeOff();
                ask(slot, nowNs);
            }
            case RESETTING -> onReset(slot, Optional.of("no answer"), nowNs);
        }
    }
}
