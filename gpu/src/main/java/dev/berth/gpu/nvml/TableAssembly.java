package dev.berth.gpu.nvml;

import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.PciAddress;
import dev.berth.gpu.Topology;
import dev.berth.gpu.Topology.Proximity;
import dev.berth.gpu.nvml.WorkerMessage.Gpu;
import dev.berth.gpu.nvml.WorkerMessage.Inventory;
import dev.berth.gpu.nvml.WorkerMessage.Near;
import dev.berth.gpu.proc.HostFiles;
import dev.berth.gpu.proc.NvidiaNodes;
import dev.berth.isolator.ContainerConfig.DeviceNode;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/** Makes a device table of what the worker found and what the host's kernel says of numbers and places. */
final class TableAssembly {
    static final String RESOURCE = "nvidia.com/gpu";
    static final String SOURCE = "nvml";

    private TableAssembly() {}

    /**
     * The table.
     *
     * @param before the last one: a device that it has and that the worker did not describe (it hung, it is lost) stays as it was, unless the driver's count says that it is gone or another one has its index
     * @param generation of the table if it differs from the last one, which otherwise comes back itself
     */
    static DeviceTable table(
            Inventory inventory, Optional<DeviceTable> before, HostFiles host, long generation) {
        NvidiaNodes nodes = NvidiaNodes.readLoaded(host);
        Map<Integer, Device> byIndex = new TreeMap<>();
        Set<DeviceId> described = new HashSet<>();
        for (Gpu gpu : inventory.gpus()) {
            Device device = device(gpu, nodes, host);
            byIndex.put(gpu.index(), device);
            described.add(device.id());
        }
        before.ifPresent(table ->
                table.devices().stream()
                        .filter(device -> device.index() < inventory.count())
                        .filter(device -> !described.contains(device.id()))
                        .forEach(device -> byIndex.putIfAbsent(device.index(), device)));
        List<Device> devices = List.copyOf(byIndex.values());
        DeviceTable table =
                new DeviceTable(
                        before.map(DeviceTable::generation).orElse(0L),
                        RESOURCE,
                        new DeviceTable.DriverFacts(
                                inventory.driver(), inventory.nvml(), inventory.cuda(), SOURCE),
                        devices,
                        topology(devices, inventory, before),
                        nodes.control(),
                        nodes.withheld());
        if (before.isPresent() && before.get().equals(table)) {
            return before.get();
        }
        return new DeviceTable(
                generation,
                table.resourceName(),
                table.driver(),
                table.devices(),
                table.topology(),
                table.controlNodes(),
                table.withheldNodes());
    }

    private static Device device(Gpu gpu, NvidiaNodes nodes, HostFiles host) {
        Optional<PciAddress> pci = PciAddress.parse(gpu.busId());
        OptionalInt numa = OptionalInt.empty();
        String cpus = "";
        if (pci.isPresent()) {
            String at = "sys/bus/pci/devices/" + pci.get() + "/";
            numa = number(host.line(at + "numa_node"));
            cpus = host.line(at + "local_cpulist");
        }
        List<DeviceNode> own = gpu.minor() < 0 ? List.of() : nodes.gpu(gpu.minor());
        return new Device(
                new DeviceId(gpu.uuid()),
                gpu.index(),
                gpu.name(),
                gpu.minor() < 0 ? OptionalInt.empty() : OptionalInt.of(gpu.minor()),
                pci,
                numa,
                cpus,
                gpu.memoryBytes(),
                own,
                gpu.attributes());
    }

    private static OptionalInt number(String text) {
        try {
            int value = Integer.parseInt(text);
            return value < 0 ? OptionalInt.empty() : OptionalInt.of(value);
        } catch (NumberFormatException e) {
            return OptionalInt.empty();
        }
    }

    private static Topology topology(
            List<Device> devices, Inventory inventory, Optional<DeviceTable> before) {
        Map<String, Integer> now = new HashMap<>();
        for (int i = 0; i < inventory.gpus().size(); i++) {
            now.put(inventory.gpus().get(i).uuid(), i);
        }
        Topology topology = Topology.of(devices.size());
        for (int a = 0; a < devices.size(); a++) {
            for (int b = a + 1; b < devices.size(); b++) {
                Integer i = now.get(devices.get(a).id().value());
                Integer j = now.get(devices.get(b).id().value());
                if (i != null && j != null) {
                    Near near = inventory.near().get(i * inventory.gpus().size() + j);
                    Proximity level = Proximity.ofNvml(near.ancestor());
                    topology = topology.with(a, b, level, near.nvLinks());
                } else if (before.isPresent()) {
                    topology =
                            asBefore(
                                    topology,
                                    a,
                                    b,
                                    before.get(),
                                    devices.get(a).id(),
                                    devices.get(b).id());
                }
            }
        }
        return topology;
    }

    private static Topology asBefore(
            Topology topology, int a, int b, DeviceTable before, DeviceId one, DeviceId other) {
        List<DeviceId> ids = new ArrayList<>();
        before.devices().forEach(device -> ids.add(device.id()));
        int i = ids.indexOf(one);
        int j = ids.indexOf(other);
        if (i < 0 || j < 0) {
            return topology;
        }
        Topology old = before.topology();
        return topology.with(a, b, old.proximity(i, j), old.nvLinks(i, j));
    }
}
