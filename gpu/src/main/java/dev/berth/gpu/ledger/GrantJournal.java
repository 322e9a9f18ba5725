package dev.berth.gpu.ledger;

import dev.berth.gpu.DeviceException;

/** Where one ledger's records survive the agent. Who opens it hands what it holds to {@link DeviceLedger#recover} and may at any time replace it by {@link DeviceLedger#records}. Thread: conductor. */
@FunctionalInterface
public interface GrantJournal {
    /**
     * Appends: when this returns, the record survives the death of this process, a {@linkplain GrantRecord#durable durable} one also that of the machine.
     *
     * @throws DeviceException when it may not be there
     */
    void append(GrantRecord record) throws DeviceException;
}
