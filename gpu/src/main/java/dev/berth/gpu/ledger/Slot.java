package dev.berth.gpu.ledger;

import dev.berth.gpu.DeviceId;
import dev.berth.isolator.ContainerId;

import java.util.Optional;

/** What the ledger knows of one device. */
final class Slot {
    static final int ABSENT = -1;

    /** What a device under verification waits for. */
    enum Phase {
        /** The answer to a look, or its due time. */
        ASKED,
        /** The due time of the next look. */
        PAUSED,
        /** The answer to a reset, or its due time. */
        RESETTING
    }

    final DeviceId id;
    int position = ABSENT;
    DeviceState state = DeviceState.VERIFYING;
    long sinceNs;
    Optional<ContainerId> holder = Optional.empty();

    /** Why health says that it is not to be given out. */
    Optional<String> unusable = Optional.empty();

    /** Why it is, or will be when it comes back, in quarantine. */
    Optional<String> condemned = Optional.empty();

    Phase phase = Phase.PAUSED;
    long dueNs;
    int looks;
    int resets;

    /** What the last look found. */
    String found = "";

    final Looks asked;

    Slot(DeviceId id, Looks asked, long nowNs) {
        this.id = id;
        this.asked = asked;
        this.sinceNs = nowNs;
    }

    boolean present() {
        return position != ABSENT;
    }

    void become(DeviceState next, long nowNs) {
        state = next;
        sinceNs = nowNs;
        if (next != DeviceState.GRANTED) {
            holder = Optional.empty();
        }
    }

    /** Why it is not to be had; empty when nothing of its own stands against it. */
    String reason() {
        return switch (state) {
            case GRANTED ->
                    "granted to " + holder.map(ContainerId::shortForm).orElse("nobody") + but();
            case QUARANTINED -> "in quarantine: " + condemned.orElse("") + but();
            case VERIFYING ->
                    (phase == Phase.RESETTING ? "being reset" : "being verified")
                            + (found.isEmpty() ? "" : " (last found: " + found + ")")
                            + but();
            case FREE -> unusable.map(why -> "not healthy: " + why).orElse("");
        };
    }

    private String but() {
        return unusable.map(why -> ", and not healthy: " + why).orElse("");
    }
}
