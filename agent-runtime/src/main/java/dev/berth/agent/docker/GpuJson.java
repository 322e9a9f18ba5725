package dev.berth.agent.docker;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.conductor.ContainerView;
import dev.berth.agent.device.DeviceSnapshot;
import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceSample;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.PciAddress;
import dev.berth.gpu.Topology;
import dev.berth.gpu.choice.Explanation;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerId;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Devices in the JSON of {@code /berth/gpus}. */
final class GpuJson {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private GpuJson() {}

    static ObjectNode inventory(DeviceSnapshot.Kind kind, List<ContainerView> containers) {
        Map<ContainerId, String> names = new HashMap<>();
        containers.forEach(view -> names.put(view.id(), view.name()));
        DeviceTable table = kind.table();
        ObjectNode out = NODES.objectNode();
        out.put("Generation", table.generation()).put("ResourceName", table.resourceName());
        out.putObject("Source")
                .put("Name", kind.source())
                .put("Working", kind.working())
                .put("Reason", kind.reason());
        out.putObject("Driver")
                .put("Version", table.driver().version())
                .put("Nvml", table.driver().nvml())
                .put("Cuda", table.driver().cuda());
        ArrayNode devices = out.putArray("Devices");
        kind.entries().forEach(entry -> device(devices.addObject(), entry, names));
        topology(out.putObject("Topology"), table.topology());
        nodes(out.putArray("ControlNodes"), table.controlNodes());
        nodes(out.putArray("WithheldNodes"), table.withheldNodes());
        return out;
    }

    private static void device(
            ObjectNode out, DeviceSnapshot.Entry entry, Map<ContainerId, String> names) {
        Device device = entry.device();
        out.put("Id", device.id().value()).put("Index", device.index());
        out.put("Model", device.model());
        if (device.minor().isPresent()) {
            out.put("Minor", device.minor().getAsInt());
        } else {
            out.putNull("Minor");
        }
        out.put("Pci", device.pci().map(PciAddress::toString).orElse(""));
        if (device.numaNode().isPresent()) {
            out.put("NumaNode", device.numaNode().getAsInt());
        } else {
            out.putNull("NumaNode");
        }
        out.put("CpuList", device.cpuList()).put("MemoryBytes", device.memoryBytes());
        ObjectNode attributes = out.putObject("Attributes");
        new java.util.TreeMap<>(device.attributes()).forEach(attributes::put);
        out.put("State", entry.state()).put("Health", entry.health());
        out.put("Reason", entry.reason()).put("Since", Times.rfc3339(entry.sinceNs()));
        out.put("Container", entry.holder().map(ContainerId::value).orElse(""));
        out.put("ContainerName", entry.holder().map(id -> names.getOrDefault(id, "")).orElse(""));
        ObjectNode metrics = out.putObject("Metrics");
        ArrayNode processes = out.putArray("Processes");
        if (entry.sample().isPresent()) {
            DeviceSample sample = entry.sample().get();
            new java.util.TreeMap<>(sample.values())
                    .forEach((metric, value) -> metrics.put(metric.exportedName(), value));
            for (DeviceSample.ProcessUse process : sample.processes()) {
                ContainerId owner = entry.owners().get(process.pid());
                processes
                        .addObject()
                        .put("Pid", process.pid())
                        .put("Type", process.type())
                        .put("MemoryBytes", process.memoryBytes())
                        .put("Container", owner == null ? "" : owner.value());
            }
        }
        nodes(out.putArray("Nodes"), device.nodes());
    }

    private static void nodes(ArrayNode out, List<DeviceNode> nodes) {
        for (DeviceNode node : nodes) {
            out.addObject()
                    .put("Path", node.path())
                    .put("Type", String.valueOf(node.type()))
                    .put("Major", node.major())
                    .put("Minor", node.minor());
        }
    }

    private static void topology(ObjectNode out, Topology topology) {
        ArrayNode links = out.putArray("NvLinks");
        ArrayNode proximity = out.putArray("Proximity");
        for (int a = 0; a < topology.size(); a++) {
            ArrayNode linked = links.addArray();
            ArrayNode near = proximity.addArray();
            for (int b = 0; b < topology.size(); b++) {
                linked.add(a == b ? 0 : topology.nvLinks(a, b));
                near.add(topology.proximity(a, b).shortName());
            }
        }
    }

    static ObjectNode health(DeviceSnapshot.Kind kind) {
        ObjectNode out = NODES.objectNode();
        ArrayNode devices = out.putArray("Devices");
        for (DeviceSnapshot.Entry entry : kind.entries()) {
            ObjectNode device = devices.addObject();
            device.put("Id", entry.device().id().value()).put("Index", entry.device().index());
            device.put("Health", entry.health()).put("Reason", entry.reason());
            device.put("Since", Times.rfc3339(entry.sinceNs()));
            ArrayNode signals = device.putArray("Signals");
            for (DeviceSnapshot.Signal signal : entry.signals()) {
                ObjectNode line = signals.addObject();
                line.put("Time", Times.rfc3339(signal.timeNs())).put("Kind", signal.kind());
                line.put("Code", signal.code()).put("Detail", signal.detail());
                line.put("Source", signal.source());
                if (signal.pid().isPresent()) {
                    line.put("Pid", signal.pid().getAsInt());
                } else {
                    line.putNull("Pid");
                }
                line.put("Container", signal.container().map(ContainerId::value).orElse(""));
                line.put("Action", signal.action());
            }
        }
        return out;
    }

    static ObjectNode explanation(Explanation why) {
        ObjectNode out = NODES.objectNode();
        ArrayNode chosen = out.putArray("Chosen");
        why.chosen().forEach(id -> chosen.add(id.value()));
        out.put("Refused", why.refused().orElse(""));
        ArrayNode candidates = out.putArray("Candidates");
        for (Explanation.Candidate candidate : why.candidates()) {
            ObjectNode group = candidates.addObject();
            ArrayNode ids = group.putArray("Devices");
            candidate.devices().forEach(id -> ids.add(id.value()));
            group.put("MinLink", candidate.figures().minLink());
            group.put("Sum", candidate.figures().sum());
            group.put("NumaNodes", candidate.figures().numaNodes());
            group.put("Fragmentation", candidate.figures().fragmentation());
            group.put("Why", candidate.why());
        }
        ArrayNode unavailable = out.putArray("Unavailable");
        for (Explanation.Unavailable device : why.unavailable()) {
            unavailable.addObject().put("Id", device.id().value()).put("Reason", device.reason());
        }
        return out;
    }
}
