package dev.berth.gpu.ledger;

import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceRequest.Selection;
import dev.berth.gpu.choice.DeviceNames;
import dev.berth.gpu.ledger.LedgerEvent.Cause;
import dev.berth.isolator.ContainerId;

import java.util.List;

/** What becomes of one request as devices stand now. */
final class Judge {
    /** A request that is asked or waits. {@code attach}: it joins what the container holds. */
    record Want(ContainerId container, Selection selection, boolean attach, long deadlineNs) {}

    sealed interface Verdict {
        record Take(long devices) implements Verdict {}

        /**
         * @param kept free devices that are kept for it
         * @param verifying what it waits for
         */
        record Later(long kept, long verifying) implements Verdict {}

        record Never(Cause cause, String reason) implements Verdict {}
    }

    private final Inventory inventory;

    Judge(Inventory inventory) {
        this.inventory = inventory;
    }

    /**
     * @param kept free devices that earlier requests keep
     * @param held what the container has already
     */
    Verdict judge(Want want, long kept, long held) {
        if (!inventory.discovered()) {
            return new Verdict.Later(0, 0);
        }
        try {
            return switch (want.selection()) {
                case Selection.Count(int count) -> count(count, kept, held);
                case Selection.All _ -> exactly(all(), kept);
                case Selection.Named(List<String> names) ->
                        exactly(DeviceNames.mask(inventory.table(), names), kept);
            };
        } catch (DeviceException e) {
            return new Verdict.Never(Cause.NEVER, String.valueOf(e.getMessage()));
        }
    }

    private long all() throws DeviceException {
        if (inventory.every() == 0) {
            throw new DeviceException("this node has no " + inventory.table().resourceName());
        }
        return inventory.every();
    }

    private Verdict count(int count, long kept, long held) {
        long free = inventory.free();
        long open = free & ~kept;
        if (count >= 1 && Long.bitCount(open) >= count) {
            return new Verdict.Take(
                    held == 0
                            ? inventory.chooser().best(open, count)
                            : inventory.chooser().best(open, count, held));
        }
        long verifying = inventory.verifying();
        int possible = Long.bitCount(free | verifying);
        if (count >= 1 && possible >= count) {
            return new Verdict.Later(free, verifying);
        }
        int size = Long.bitCount(inventory.every());
        String asked = count + " of " + inventory.table().resourceName() + " asked for, ";
        if (count < 1) {
            return new Verdict.Never(Cause.NEVER, asked + "must be at least 1");
        }
        if (size < count) {
            return new Verdict.Never(Cause.NEVER, asked + "this node has " + size);
        }
        return new Verdict.Never(
                Cause.UNAVAILABLE,
                asked
                        + possible
                        + " of "
                        + size
                        + " to be had: "
                        + inventory.reasons(inventory.every() & ~(free | verifying)));
    }

    private Verdict exactly(long wanted, long kept) {
        long free = inventory.free();
        long verifying = inventory.verifying();
        long missing = wanted & ~(free | verifying);
        if (missing != 0) {
            return new Verdict.Never(
                    Cause.UNAVAILABLE, "not to be had: " + inventory.reasons(missing));
        }
        return (wanted & ~(free & ~kept)) == 0
                ? new Verdict.Take(wanted)
                : new Verdict.Later(wanted & free, wanted & verifying);
    }
}
