package dev.berth.gpu.ledger;

import dev.berth.gpu.DeviceId;
import dev.berth.isolator.ContainerId;

import java.util.List;
import java.util.Optional;

/**
 * The ledger at one time.
 *
 * @param generation of the table; 0 before the first
 * @param devices those of the table in its order, then those that are gone but held or in quarantine
 * @param waiting in the order in which they are answered
 */
public record LedgerView(long generation, List<DeviceView> devices, List<WaitView> waiting) {
    public LedgerView {
        devices = List.copyOf(devices);
        waiting = List.copyOf(waiting);
    }

    /**
     * @param present whether the table has it
     * @param usable what health says; a device that is not is not given out
     * @param reason why it is not to be had, in words; empty for a usable free device that nobody waits for
     * @param sinceNs when it came into {@code state}, monotonic clock
     */
    public record DeviceView(
            DeviceId id,
            DeviceState state,
            boolean present,
            boolean usable,
            String reason,
            Optional<ContainerId> holder,
            long sinceNs) {}

    public record WaitView(ContainerId container, long deadlineNs) {}
}
