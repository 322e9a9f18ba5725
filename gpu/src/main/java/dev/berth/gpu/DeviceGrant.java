package dev.berth.gpu;

import dev.berth.isolator.ContainerId;

import java.util.List;

/**
 * Devices that are one container's and nobody else's, from before its start until they were found clean after its end.
 *
 * @param generation of the table it was made from
 * @param devices in the order of their index; not empty
 */
public record DeviceGrant(
        ContainerId container, String resourceName, long generation, List<DeviceId> devices) {
    public DeviceGrant {
        devices = List.copyOf(devices);
    }
}
