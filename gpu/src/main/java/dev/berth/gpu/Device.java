package dev.berth.gpu;

import dev.berth.isolator.ContainerConfig.DeviceNode;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * One device as its provider found it.
 *
 * @param index the provider's order, for people only
 * @param model such as {@code NVIDIA H100 80GB HBM3}
 * @param minor minor number of its node where it has one
 * @param numaNode empty when the firmware does not say (sysfs −1)
 * @param cpuList CPUs near it as in sysfs {@code local_cpulist}; empty when unknown
 * @param memoryBytes 0 when unknown
 * @param nodes the device nodes that a holder of this device gets, beyond {@link DeviceTable#controlNodes}
 * @param attributes further facts for people and schedulers: {@code architecture}, {@code compute_capability}, {@code ecc}, {@code serial} ...
 */
public record Device(
        DeviceId id,
        int index,
        String model,
        OptionalInt minor,
        Optional<PciAddress> pci,
        OptionalInt numaNode,
        String cpuList,
        long memoryBytes,
        List<DeviceNode> nodes,
        Map<String, String> attributes) {
    public Device {
        nodes = List.copyOf(nodes);
        attributes = Map.copyOf(attributes);
    }
}
