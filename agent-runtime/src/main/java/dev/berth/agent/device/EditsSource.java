package dev.berth.agent.device;

import dev.berth.gpu.ContainerEdits;
import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceTable;
import dev.berth.isolator.ContainerConfig.DeviceNode;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What a grant adds to a container, for one generation of a table. Conductor: cheap, no file is looked at. */
@FunctionalInterface
public interface EditsSource extends AutoCloseable {
    ContainerEdits edits(DeviceTable table, DeviceGrant grant, Set<String> capabilities)
            throws DeviceException;

    /** When another one is in use. File lane. */
    @Override
    default void close() {}

    /** The devices' nodes and those that every holder gets, nothing else. */
    EditsSource NODES =
            (table, grant, _) -> {
                List<DeviceNode> nodes = new ArrayList<>(table.controlNodes());
                for (Device device : table.devices()) {
                    if (grant.devices().contains(device.id())) {
                        nodes.addAll(device.nodes());
                    }
                }
                return new ContainerEdits(
                        List.of(), nodes, List.of(), List.of(), List.of(), List.of());
            };

    /** Looks at the driver's files, once for each table. File lane. */
    @FunctionalInterface
    interface Maker {
        EditsSource open(DeviceTable table) throws DeviceException;
    }
}
