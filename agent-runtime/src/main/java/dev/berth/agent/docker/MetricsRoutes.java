package dev.berth.agent.docker;

import dev.berth.agent.conductor.ContainerView;
import dev.berth.agent.conductor.Counter;
import dev.berth.agent.conductor.Counters;
import dev.berth.agent.conductor.Status;
import dev.berth.agent.device.DeviceSnapshot;
import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceMetric;
import dev.berth.gpu.DeviceSample;
import dev.berth.isolator.ContainerId;

import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** {@code GET /metrics}: the agent's counters, its containers, and its GPUs in dcgm-exporter's names, labels and units, so that dashboards made for it work. */
final class MetricsRoutes {
    private static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private MetricsRoutes() {}

    static void add(Route.Table table) {
        table.add("GET", "/metrics", MetricsRoutes::metrics);
    }

    private static void metrics(Exchange exchange) {
        ApiContext context = exchange.context();
        context.conductor()
                .freshDevices(
                        exchange.then(devices -> {
                            String text =
                                    text(
                                            context.counters(),
                                            context.containers().all(),
                                            devices,
                                            SystemRoutes.hostname());
                            exchange.answer(
                                    200, CONTENT_TYPE, text.getBytes(StandardCharsets.UTF_8));
                        }));
    }

    static String text(
            Counters counters,
            List<ContainerView> containers,
            DeviceSnapshot devices,
            String hostname) {
        Exposition out = new Exposition();
        for (Counter counter : Counter.values()) {
            out.add(
                    "berth_" + counter.name().toLowerCase(Locale.ROOT) + "_total",
                    "counter",
                    counter.sentence(),
                    Map.of(),
                    (double) counters.value(counter));
        }
        Map<Status, Integer> states = new EnumMap<>(Status.class);
        containers.forEach(view -> states.merge(view.status(), 1, Integer::sum));
        for (Status status : Status.values()) {
            out.add(
                    "berth_containers",
                    "gauge",
                    "containers by state",
                    Map.of("state", status.name().toLowerCase(Locale.ROOT)),
                    states.getOrDefault(status, 0));
        }
        Map<ContainerId, String> names = new LinkedHashMap<>();
        containers.forEach(view -> names.put(view.id(), view.name()));
        for (DeviceSnapshot.Kind kind : devices.kinds()) {
            new Kinds(out, hostname, id -> names.getOrDefault(id, id.shortForm())).add(kind);
        }
        return out.toString();
    }

    /** The samples of one kind of devices. */
    private record Kinds(Exposition out, String hostname, Function<ContainerId, String> names) {
        void add(DeviceSnapshot.Kind kind) {
            Map<String, String> resource = Map.of("resource", kind.table().resourceName());
            out.add(
                    "berth_device_source_working",
                    "gauge",
                    "1 while the source of this kind of devices answers",
                    resource,
                    kind.working() ? 1 : 0);
            kind.entries().forEach(this::state);
            // All samples of one metric stand together, whatever device they are of.
            for (DeviceMetric metric : DeviceMetric.values()) {
                kind.entries().forEach(entry -> figure(entry, metric));
            }
            kind.entries().forEach(this::containers);
        }

        private Map<String, String> labels(DeviceSnapshot.Entry entry) {
            Device device = entry.device();
            Map<String, String> labels = new LinkedHashMap<>();
            labels.put("gpu", Integer.toString(device.index()));
            labels.put("UUID", device.id().value());
            String node =
                    device.nodes().isEmpty()
                            ? ""
                            : device.nodes().getFirst().path().replaceFirst("^/dev/", "");
            labels.put("device", node);
            labels.put("modelName", device.model());
            labels.put("Hostname", hostname);
            entry.holder().ifPresent(id -> labels.put("container", names.apply(id)));
            return labels;
        }

        private void state(DeviceSnapshot.Entry entry) {
            Map<String, String> labels = labels(entry);
            labels.put("state", entry.state());
            labels.put("health", entry.health());
            out.add(
                    "berth_device_info",
                    "gauge",
                    "1 for each device, with its state and health",
                    labels,
                    1);
        }

        private void figure(DeviceSnapshot.Entry entry, DeviceMetric metric) {
            Optional<Double> value = entry.sample().map(sample -> sample.values().get(metric));
            value.ifPresent(figure ->
                    out.add(
                            metric.exportedName(),
                            metric.type().name().toLowerCase(Locale.ROOT),
                            metric.sentence(),
                            labels(entry),
                            figure));
        }

        private void containers(DeviceSnapshot.Entry entry) {
            if (entry.sample().isEmpty()) {
                return;
            }
            Map<String, long[]> use = new LinkedHashMap<>();
            entry.holder().ifPresent(id -> use.put(names.apply(id), new long[2]));
            for (DeviceSample.ProcessUse process : entry.sample().get().processes()) {
                ContainerId owner = entry.owners().get(process.pid());
                long[] sum =
                        use.computeIfAbsent(
                                owner == null ? "" : names.apply(owner), _ -> new long[2]);
                sum[0] += Math.max(0, process.memoryBytes());
                sum[1]++;
            }
            use.forEach((container, sum) -> {
                Map<String, String> labels = labels(entry);
                labels.put("container", container);
                out.add(
                        "berth_container_device_memory_bytes",
                        "gauge",
                        "device memory that the processes of a container use; without a name: of processes outside of all containers",
                        labels,
                        (double) sum[0]);
                out.add(
                        "berth_container_device_processes",
                        "gauge",
                        "processes of a container that use the device",
                        labels,
                        (double) sum[1]);
            });
        }
    }
}
