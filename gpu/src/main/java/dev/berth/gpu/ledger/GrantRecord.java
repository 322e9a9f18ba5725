package dev.berth.gpu.ledger;

import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceId;
import dev.berth.isolator.ContainerId;

/** One record of the journal. */
public sealed interface GrantRecord {
    /** Whether it must survive a power cut too; the others mean nothing to the next boot. */
    default boolean durable() {
        return false;
    }

    /** The container holds exactly these from here on: a grant, an attach, a detach that leaves some, an adoption. Whoever is said to hold one of them no longer does. */
    record Granted(DeviceGrant grant) implements GrantRecord {}

    /** The container holds nothing. */
    record Released(ContainerId container) implements GrantRecord {}

    /** The device is not to be given out; while it is granted, when it comes back. */
    record Quarantined(DeviceId device, String reason) implements GrantRecord {
        @Override
        public boolean durable() {
            return true;
        }
    }

    record QuarantineLifted(DeviceId device) implements GrantRecord {
        @Override
        public boolean durable() {
            return true;
        }
    }
}
