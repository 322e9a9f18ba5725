package dev.berth.gpu.ledger;

import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceId;
import dev.berth.isolator.ContainerId;

import java.util.List;
import java.util.Optional;

/** What the ledger decided, in the order in which it did; the caller acts on it. */
public sealed interface LedgerEvent {
    /** Answer to a request or an attach: returned at once, or {@link Waiting} at once and another one later as an event. */
    sealed interface Answer extends LedgerEvent {
        ContainerId container();
    }

    /**
     * @param grant all that the container now holds
     * @param added what it did not hold before; without live attach, all
     */
    record Granted(ContainerId container, DeviceGrant grant, List<DeviceId> added)
            implements Answer {
        public Granted {
            added = List.copyOf(added);
        }
    }

    /**
     * @param devices that are being verified and could serve; empty when it waits for discovery or behind earlier requests only
     * @param deadlineNs when it is refused at the latest
     */
    record Waiting(ContainerId container, List<DeviceId> devices, long deadlineNs)
            implements Answer {
        public Waiting {
            devices = List.copyOf(devices);
        }
    }

    /** @param reason names the devices and what stands against each */
    record Refused(ContainerId container, Cause cause, String reason) implements Answer {}

    /** Why a request was refused, for status codes. */
    enum Cause {
        /** This node can never meet it: an unknown or ambiguous name, more than there are. */
        NEVER,
        /** Not now: devices are held, in quarantine or not healthy. */
        UNAVAILABLE,
        /** Devices were not verified in time. */
        WAITED_IN_VAIN,
        /** The container holds devices, or waits for some, already. */
        ALREADY,
        /** The journal cannot be written. */
        NOT_JOURNALED
    }

    /** The devices are nobody's; verification of those that are there follows. */
    record Released(ContainerId container, List<DeviceId> devices) implements LedgerEvent {
        public Released {
            devices = List.copyOf(devices);
        }
    }

    /** Found clean: free. */
    record Clean(DeviceId device) implements LedgerEvent {}

    record Quarantined(DeviceId device, String reason) implements LedgerEvent {}

    /** Ask the provider whether the device is clean, and report by {@link DeviceLedger#verified}. Nothing else may ask it: answers are told apart by their number. */
    record AskVerify(DeviceId device) implements LedgerEvent {}

    /** Ask the provider for a reset and report by {@link DeviceLedger#resetEnded}. {@code found} is what it is to cure. */
    record AskReset(DeviceId device, String found) implements LedgerEvent {}

    /** The table no longer has the device. */
    record Gone(DeviceId device, Optional<ContainerId> holder) implements LedgerEvent {}

    /** The nodes of a device that is held have other numbers: what its holder may open must be set anew. */
    record Renumbered(DeviceId device, ContainerId holder) implements LedgerEvent {}

    /** Records that take something away could not be written and are kept until they can; grants are refused meanwhile. */
    record JournalFailed(String problem) implements LedgerEvent {}

    /** Receives events on the conductor's thread; may call the ledger. */
    @FunctionalInterface
    interface LedgerEventHandler {
        void onEvent(LedgerEvent event);
    }
}
