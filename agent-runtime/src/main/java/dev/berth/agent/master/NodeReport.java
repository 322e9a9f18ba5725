package dev.berth.agent.master;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.device.DeviceSnapshot;
import dev.berth.gpu.DeviceId;
import dev.berth.protocol.v1.Protos.Attribute;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.Value;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a node offers: its resources and attributes in Mesos's words.
 *
 * @param resources totals
 */
public record NodeReport(List<Resource> resources, List<Attribute> attributes) {
    private static final String GPU = "nvidia.com/gpu";
    private static final long MEGABYTE = 1L << 20;
    private static final long GIGABYTE_IN_MEGABYTES = 1024;

    public NodeReport {
        resources = List.copyOf(resources);
        attributes = List.copyOf(attributes);
    }

    /**
     * What the host has.
     *
     * @param enforced controllers of which limits hold here
     * @param numaNodes 0 when unknown
     */
    public record Host(
            int cpus, long memoryBytes, long diskBytes, int numaNodes, List<String> enforced) {}

    /** Puts it together; {@code resources} and {@code attributes} are the operator's words. */
    public static NodeReport of(
            Host host, DeviceSnapshot devices, String resources, String attributes)
            throws AgentException {
        Map<String, Resource> offered = new LinkedHashMap<>();
        put(offered, scalar("cpus", host.cpus()));
        put(offered, scalar("mem", spare(host.memoryBytes() / MEGABYTE, GIGABYTE_IN_MEGABYTES)));
        put(offered, scalar("disk", spare(host.diskBytes() / MEGABYTE, 5 * GIGABYTE_IN_MEGABYTES)));
        put(offered, Texts.resource("ports", "[31000-32000]"));
        List<DeviceSnapshot.Entry> gpus = gpus(devices);
        if (devices.kind(GPU).isPresent()) {
            put(offered, scalar("gpus", gpus.size()));
        }
        for (Resource resource : Texts.resources(resources)) {
            put(offered, resource);
        }
        List<Attribute> found = new ArrayList<>(Texts.attributes(attributes));
        for (String controller : host.enforced()) {
            found.add(text("enforced", word(controller)));
        }
        if (host.enforced().isEmpty()) {
            found.add(text("enforced", "none"));
        }
        if (host.numaNodes() > 0) {
            found.add(number("numa", host.numaNodes()));
        }
        describe(gpus, found);
        return new NodeReport(List.copyOf(offered.values()), found);
    }

    /** Mesos leaves so much to the host, or half of it where there is little. */
    private static double spare(long megabytes, long reserve) {
        return megabytes > 2 * reserve ? megabytes - reserve : megabytes / 2.0;
    }

    /** Whole and healthy ones; one that is being verified comes back by itself. */
    private static List<DeviceSnapshot.Entry> gpus(DeviceSnapshot devices) {
        return devices.kind(GPU)
                .map(kind ->
                        kind.entries().stream()
                                .filter(entry -> entry.health().equalsIgnoreCase("HEALTHY"))
                                .filter(entry -> !entry.state().equals("QUARANTINED"))
                                .filter(entry -> !entry.device().id().value().startsWith("MIG-"))
                                .toList())
                .orElse(List.of());
    }

    /** Those that are offered. */
    public static List<DeviceId> gpuIds(DeviceSnapshot devices) {
        return gpus(devices).stream().map(entry -> entry.device().id()).toList();
    }

    private static void describe(List<DeviceSnapshot.Entry> gpus, List<Attribute> out) {
        if (gpus.isEmpty()) {
            return;
        }
        Set<String> models = new LinkedHashSet<>();
        List<String> ids = new ArrayList<>();
        Set<String> nodes = new LinkedHashSet<>();
        long least = Long.MAX_VALUE;
        for (DeviceSnapshot.Entry gpu : gpus) {
            models.add(gpu.device().model());
            ids.add(gpu.device().id().value());
            least = Math.min(least, gpu.device().memoryBytes());
            gpu.device().numaNode().ifPresent(node -> nodes.add(String.valueOf(node)));
        }
        models.forEach(model -> out.add(text("gpu_model", model)));
        long megabytes = least / MEGABYTE;
        out.add(number("gpu_memory", (double) megabytes));
        out.add(text("gpu_uuids", String.join(",", ids)));
        if (!nodes.isEmpty()) {
            out.add(text("gpu_numa", String.join(",", nodes)));
        }
    }

    /** The resource that a controller limits. */
    private static String word(String controller) {
        return switch (controller) {
            case "cpu" -> "cpus";
            case "memory" -> "mem";
            default -> controller;
        };
    }

    private static void put(Map<String, Resource> offered, Resource resource) {
        offered.put(resource.getName(), resource);
    }

    static Resource scalar(String name, double value) {
        return Resource.newBuilder()
                .setName(name)
                .setType(Value.Type.SCALAR)
                .setScalar(Value.Scalar.newBuilder().setValue(Math.round(value * 1000) / 1000.0))
                .build();
    }

    static Attribute text(String name, String value) {
        return Attribute.newBuilder()
                .setName(name)
                .setType(Value.Type.TEXT)
                .setText(Value.Text.newBuilder().setValue(value))
                .build();
    }

    static Attribute number(String name, double value) {
        return Attribute.newBuilder()
                .setName(name)
                .setType(Value.Type.SCALAR)
                .setScalar(Value.Scalar.newBuilder().setValue(value))
                .build();
    }
}
