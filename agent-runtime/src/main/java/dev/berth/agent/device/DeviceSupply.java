package dev.berth.agent.device;

import dev.berth.gpu.DeviceProvider;

import java.util.Optional;

/**
 * Where one kind of devices comes from.
 *
 * @param first who is asked; its table counts
 * @param second who is asked while the first has never answered, and whose signals are heard beside it
 * @param edits what a grant adds to a container
 */
public record DeviceSupply(
        DeviceProvider first, Optional<DeviceProvider> second, EditsSource.Maker edits) {
    public String resourceName() {
        return first.resourceName();
    }
}
