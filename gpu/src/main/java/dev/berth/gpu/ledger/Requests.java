package dev.berth.gpu.ledger;

import dev.berth.gpu.ledger.Judge.Verdict;
import dev.berth.gpu.ledger.Judge.Want;
import dev.berth.gpu.ledger.LedgerEvent.Answer;
import dev.berth.gpu.ledger.LedgerEvent.Cause;
import dev.berth.isolator.ContainerId;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** Requests that are asked and those that wait, in their order. */
final class Requests {
    /** The verdict on a request when {@code kept} is kept for others. */
    interface Judging {
        Verdict judge(Want want, long kept);
    }

    /** Makes the devices the container's. */
    interface Giving {
        Answer give(Want want, long devices, long nowNs);
    }

    private final Inventory inventory;
    private final ArrayDeque<LedgerEvent> events;
    private final Judging judging;
    private final Giving giving;
    private final List<Want> waits = new ArrayList<>();

    /** Free devices that those who wait keep. */
    private long kept;

    Requests(Inventory inventory, ArrayDeque<LedgerEvent> events, Judging judging, Giving giving) {
        this.inventory = inventory;
        this.events = events;
        this.judging = judging;
        this.giving = giving;
    }

    List<Want> waiting() {
        return waits;
    }

    long kept() {
        return kept;
    }

    Answer ask(Want want, long nowNs) {
        ContainerId container = want.container();
        if (waits.stream().anyMatch(other -> other.container().equals(container))) {
            return new LedgerEvent.Refused(
                    container,
                    Cause.ALREADY,
                    "container " + container.shortForm() + " waits for devices already");
        }
        return switch (judging.judge(want, kept)) {
            case Verdict.Take(long devices) -> giving.give(want, devices, nowNs);
            case Verdict.Never(Cause cause, String reason) ->
                    new LedgerEvent.Refused(container, cause, reason);
            case Verdict.Later(long keeps, long verifying) -> {
                waits.add(want);
                kept |= keeps;
                yield new LedgerEvent.Waiting(
                        container, inventory.ids(verifying), want.deadlineNs());
            }
        };
    }

    boolean cancel(ContainerId container) {
        return waits.removeIf(want -> want.container().equals(container));
    }

    /** Answers those who wait, as devices stand now. */
    void serve(long nowNs) {
        kept = 0;
        for (Iterator<Want> each = waits.iterator(); each.hasNext(); ) {
            Want want = each.next();
            switch (judging.judge(want, kept)) {
                case Verdict.Take(long devices) -> {
                    each.remove();
                    events.add(giving.give(want, devices, nowNs));
                }
                case Verdict.Never(Cause cause, String reason) -> {
                    each.remove();
                    events.add(new LedgerEvent.Refused(want.container(), cause, reason));
                }
                case Verdict.Later(long keeps, _) -> kept |= keeps;
            }
        }
    }

    /** Ends the waits whose time is over; what one of them kept may serve those behind it, before they end too. */
    void expire(long waitNs, long nowNs) {
        for (int i = 0; i < waits.size(); ) {
            Want want = waits.get(i);
            if (want.deadlineNs() - nowNs > 0) {
                i++;
                continue;
            }
            String reason = "waited " + waitNs / 1_000_000 + " ms in vain: " + missing(want);
            waits.remove(i);
            events.add(new LedgerEvent.Refused(want.container(), Cause.WAITED_IN_VAIN, reason));
            serve(nowNs);
            i = 0;
        }
    }

    private String missing(Want want) {
        if (!inventory.discovered()) {
            return "the devices of this node are not discovered yet";
        }
        String reasons =
                judging.judge(want, kept) instanceof Verdict.Later(_, long verifying)
                        ? inventory.reasons(verifying)
                        : "";
        return reasons.isEmpty() ? "earlier requests keep what is free" : reasons;
    }
}
