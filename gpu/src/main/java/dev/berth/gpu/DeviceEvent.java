package dev.berth.gpu;

import java.util.List;
import java.util.Optional;

/** News from a provider, in the order in which it came. */
public sealed interface DeviceEvent {
    /** The devices are now these; the first one ends discovery. */
    record TableChanged(DeviceTable table) implements DeviceEvent {}

    record Signalled(HealthSignal signal) implements DeviceEvent {}

    /** Answer to {@link DeviceProvider#verify}. */
    record Verified(DeviceId id, Cleanliness found) implements DeviceEvent {}

    /** Answer to {@link DeviceProvider#reset}; {@code failure} says why it did not work. */
    record ResetEnded(DeviceId id, Optional<String> failure) implements DeviceEvent {}

    /** Answer to {@link DeviceProvider#sample}. */
    record Sampled(List<DeviceSample> samples) implements DeviceEvent {}

    /** How the provider's source fares: {@code working} false when it is hung, ended or mismatched, with the reason in words; devices that are held stay held. */
    record SourceChanged(boolean working, String reason) implements DeviceEvent {}
}
