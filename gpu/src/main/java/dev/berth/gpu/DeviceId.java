package dev.berth.gpu;

/**
 * Identity of a device: an NVIDIA GPU's UUID as NVML prints it ({@code GPU-…}), or what another provider calls its device, unique on the node. Never an index: indices change with the next boot.
 *
 * @param value not empty; letters, digits and {@code ._:-}
 */
public record DeviceId(String value) implements Comparable<DeviceId> {
    public DeviceId {
        if (!value.matches("[A-Za-z0-9][A-Za-z0-9._:-]*")) {
            throw new IllegalArgumentException("not a device id: '" + value + "'");
        }
    }

    @Override
    public int compareTo(DeviceId other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
