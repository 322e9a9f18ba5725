package dev.berth.agent.device;

import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceSample;
import dev.berth.gpu.DeviceTable;
import dev.berth.isolator.ContainerId;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** All devices as they were at one moment; immutable, for any thread. Times are CLOCK_REALTIME nanoseconds, 0 when unknown. */
public record DeviceSnapshot(List<Kind> kinds) {
    public static final DeviceSnapshot NONE = new DeviceSnapshot(List.of());

    public DeviceSnapshot {
        kinds = List.copyOf(kinds);
    }

    public Optional<Kind> kind(String resourceName) {
        return kinds.stream()
                .filter(kind -> kind.table().resourceName().equals(resourceName))
                .findFirst();
    }

    /** Whatever kind it is of. */
    public Optional<Entry> device(DeviceId id) {
        return kinds.stream()
                .flatMap(kind -> kind.entries().stream())
                .filter(entry -> entry.device().id().equals(id))
                .findFirst();
    }

    /** The devices that a container holds, by id. */
    public List<String> heldBy(ContainerId container) {
        return kinds.stream()
                .flatMap(kind -> kind.entries().stream())
                .filter(entry -> entry.holder().filter(container::equals).isPresent())
                .map(entry -> entry.device().id().value())
                .toList();
    }

    /**
     * Devices of one kind.
     *
     * @param source the provider's name
     * @param working whether the source answers
     * @param reason why it does not
     * @param entries in the table's order
     */
    public record Kind(
            DeviceTable table, String source, boolean working, String reason, List<Entry> entries) {
        public Kind {
            entries = List.copyOf(entries);
        }
    }

    /**
     * One device.
     *
     * @param state the ledger's word: FREE, GRANTED, VERIFYING, QUARANTINED
     * @param health the policy's word
     * @param reason why it is not simply free and healthy
     * @param sinceNs when it came to this health
     * @param owners which container a process of the sample belongs to, by host pid
     * @param signals the last ones, oldest first
     */
    public record Entry(
            Device device,
            String state,
            String health,
            String reason,
            long sinceNs,
            Optional<ContainerId> holder,
            Optional<DeviceSample> sample,
            Map<Integer, ContainerId> owners,
            List<Signal> signals) {
        public Entry {
            owners = Map.copyOf(owners);
            signals = List.copyOf(signals);
        }
    }

    /**
     * What a source said of a device, and what was made of it.
     *
     * @param kind a {@link dev.berth.gpu.HealthSignal.Kind}
     * @param container whose process was at fault, where that is known
     * @param action what followed, in words
     */
    public record Signal(
            long timeNs,
            String kind,
            int code,
            String detail,
            String source,
            OptionalInt pid,
            Optional<ContainerId> container,
            String action) {}
}
