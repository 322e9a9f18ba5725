package dev.berth.gpu;

import dev.berth.isolator.ContainerConfig.DeviceNode;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * All devices of one provider at one time. A launch names the generation that it was planned with; with a stale one it is planned again.
 *
 * @param generation grows with every change of the provider's devices, numbers or driver
 * @param resourceName as schedulers and CDI name the kind: {@code nvidia.com/gpu}
 * @param devices in the order of their index
 * @param topology between {@code devices}, in the same order
 * @param controlNodes what every holder of at least one device gets besides ({@code /dev/nvidiactl}, {@code nvidia-uvm} ...)
 * @param withheldNodes what exists and nobody gets: capabilities, mode setting, fabric control; here so that denial can be proved
 */
public record DeviceTable(
        long generation,
        String resourceName,
        DriverFacts driver,
        List<Device> devices,
        Topology topology,
        List<DeviceNode> controlNodes,
        List<DeviceNode> withheldNodes) {
    public DeviceTable {
        devices = List.copyOf(devices);
        controlNodes = List.copyOf(controlNodes);
        withheldNodes = List.copyOf(withheldNodes);
        if (topology.size() != devices.size()) {
            throw new IllegalArgumentException(
                    "topology of " + topology.size() + " devices for " + devices.size());
        }
        Set<DeviceId> ids = new HashSet<>();
        for (Device device : devices) {
            if (!ids.add(device.id())) {
                throw new IllegalArgumentException("two devices with id " + device.id());
            }
        }
    }

    /** Of a node without devices of this kind. */
    public static DeviceTable empty(String resourceName) {
        return new DeviceTable(
                0, resourceName, DriverFacts.NONE, List.of(), Topology.of(0), List.of(), List.of());
    }

    /** The same devices as another generation. */
    public DeviceTable withGeneration(long number) {
        return new DeviceTable(
                number, resourceName, driver, devices, topology, controlNodes, withheldNodes);
    }

    public Optional<Device> find(DeviceId id) {
        return devices.stream().filter(device -> device.id().equals(id)).findFirst();
    }

    /**
     * What a driver says of itself; empty where unknown.
     *
     * @param version such as {@code 580.65.06}
     * @param cuda highest CUDA version that it serves, such as {@code 13.0}
     * @param source who told: {@code nvml}, {@code proc}, {@code simulator} ...
     */
    public record DriverFacts(String version, String nvml, String cuda, String source) {
        public static final DriverFacts NONE = new DriverFacts("", "", "", "");
    }
}
