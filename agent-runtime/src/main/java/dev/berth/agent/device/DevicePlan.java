package dev.berth.agent.device;

import dev.berth.gpu.ContainerEdits;
import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceId;

import java.util.List;

/**
 * The devices of one container and what they add to it. A launch that was prepared with a plan is the right one for a grant whose plan is equal.
 *
 * @param grants one for each kind
 * @param edits all of them together, with those of CDI devices
 */
public record DevicePlan(List<DeviceGrant> grants, ContainerEdits edits) {
    /** Of a container without devices. */
    public static final DevicePlan NONE = new DevicePlan(List.of(), ContainerEdits.NONE);

    /** Of every kind. */
    public List<DeviceId> devices() {
        return grants.stream().flatMap(grant -> grant.devices().stream()).toList();
    }

    /** The same as text. */
    public List<String> deviceIds() {
        return devices().stream().map(DeviceId::value).toList();
    }

    public DevicePlan {
        grants = List.copyOf(grants);
    }
}
