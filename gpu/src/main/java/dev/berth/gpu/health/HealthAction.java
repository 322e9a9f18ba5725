package dev.berth.gpu.health;

import dev.berth.gpu.DeviceId;
import dev.berth.isolator.ContainerId;

import java.util.Optional;

/** What follows from a step of {@link HealthPolicy}; whoever runs the policy does it, in this order. */
public sealed interface HealthAction {
    DeviceId device();

    /** Keep the record durably, before anything that comes after it in the list. Replaces an older one of the same device. */
    record Persist(HealthRecord record) implements HealthAction {
        @Override
        public DeviceId device() {
            return record.device();
        }
    }

    /** Remove the durable record. */
    record Forget(DeviceId device) implements HealthAction {}

    /** Tell the ledger whether it may be given out; what is granted stays granted. */
    record SetUsable(DeviceId device, boolean usable, String reason) implements HealthAction {}

    /** State, suspicion or cure differ: an event for people. */
    record Changed(DeviceHealth before, DeviceHealth after) implements HealthAction {
        @Override
        public DeviceId device() {
            return after.device();
        }
    }

    /** Tell whoever holds the device. {@code blamed}: whose process is at fault, where that is known. */
    record NotifyHolders(DeviceId device, String reason, Optional<ContainerId> blamed)
            implements HealthAction {}

    /** End the containers that hold the device. */
    record KillHolders(DeviceId device, String reason) implements HealthAction {}

    /** {@link dev.berth.gpu.DeviceProvider#verify}. */
    record Verify(DeviceId device) implements HealthAction {}

    /** {@link dev.berth.gpu.DeviceProvider#reset}; nobody holds it. */
    record Reset(DeviceId device) implements HealthAction {}

    /** Ask for the device's own account of itself ({@link dev.berth.gpu.DeviceProvider#sample}), whoever holds it. */
    record Inspect(DeviceId device) implements HealthAction {}
}
