package dev.berth.agent.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.DeviceDemand;
import dev.berth.agent.config.Fields;
import dev.berth.agent.device.DeviceSnapshot;
import dev.berth.gpu.DeviceRequest.Selection;
import dev.berth.gpu.DeviceTable;

import java.util.List;
import java.util.function.Consumer;

/** GPUs and other devices: what there is, how it fares, who would get what and why; attach and detach. {@code resource} in a query names another kind than {@code nvidia.com/gpu}. */
final class GpuRoutes {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private GpuRoutes() {}

    static void add(Route.Table table) {
        table.add("GET", "/berth/gpus", GpuRoutes::inventory);
        table.add("GET", "/berth/gpus/health", GpuRoutes::health);
        table.add("POST", "/berth/gpus/explain", GpuRoutes::explain);
        table.add(
                "POST",
                "/berth/gpus/*/release",
                exchange ->
                        exchange.context()
                                .conductor()
                                .releaseDevice(exchange.star(0), exchange.done(204)));
        table.add("POST", "/containers/*/gpus/attach", GpuRoutes::attach);
        table.add("POST", "/containers/*/gpus/detach", GpuRoutes::detach);
    }

    private static String kind(Exchange exchange) {
        String asked = exchange.text("resource");
        return asked.isEmpty() ? DeviceDemand.NVIDIA : asked;
    }

    /** A kind that this agent does not have has no devices. */
    private static DeviceSnapshot.Kind kind(Exchange exchange, DeviceSnapshot devices) {
        return devices.kind(kind(exchange))
                .orElseGet(() ->
                        new DeviceSnapshot.Kind(
                                DeviceTable.empty(kind(exchange)),
                                "none",
                                false,
                                "this agent hands out no "
                                        + kind(exchange)
                                        + " (see berth agent --gpus, --devices)",
                                List.of()));
    }

    private static void inventory(Exchange exchange) {
        fresh(
                exchange,
                devices -> {
                    ObjectNode out =
                            GpuJson.inventory(
                                    kind(exchange, devices), exchange.context().containers().all());
                    ArrayNode resources = out.putArray("Resources");
                    devices.kinds().forEach(kind -> resources.add(kind.table().resourceName()));
                    exchange.answer(200, out);
                });
    }

    private static void fresh(Exchange exchange, Consumer<DeviceSnapshot> step) {
        exchange.context().conductor().freshDevices(exchange.then(step));
    }

    private static void health(Exchange exchange) {
        DeviceSnapshot devices = exchange.context().conductor().devices();
        exchange.answer(200, GpuJson.health(kind(exchange, devices)));
    }

    private static void explain(Exchange exchange) throws AgentException {
        exchange.context()
                .conductor()
                .explainDevices(
                        kind(exchange),
                        selection(exchange.json()),
                        exchange.then(why -> exchange.answer(200, GpuJson.explanation(why))));
    }

    /** {@code {"Count":n}} with −1 for all, or {@code {"DeviceIDs":[…]}}. */
    private static Selection selection(JsonNode body) throws AgentException {
        Fields fields = new Fields(body, "body");
        List<String> names = fields.list("DeviceIDs");
        long count = fields.number("Count");
        if (!names.isEmpty()) {
            if (count != 0) {
                throw AgentException.invalid("want Count or DeviceIDs, not both");
            }
            return new Selection.Named(names);
        }
        if (count == -1) {
            return new Selection.All();
        }
        if (count < 1 || count > Integer.MAX_VALUE) {
            throw AgentException.invalid("want a Count of at least 1, or DeviceIDs");
        }
        return new Selection.Count((int) count);
    }

    private static void attach(Exchange exchange) throws AgentException {
        exchange.context()
                .conductor()
                .attachDevices(
                        exchange.star(0),
                        kind(exchange),
                        selection(exchange.json()),
                        exchange.then(ids -> exchange.answer(200, list("Attached", ids))));
    }

    private static void detach(Exchange exchange) throws AgentException {
        List<String> names = new Fields(exchange.json(), "body").list("DeviceIDs");
        if (names.isEmpty()) {
            throw AgentException.invalid("want DeviceIDs: which devices to detach");
        }
        exchange.context()
                .conductor()
                .detachDevices(
                        exchange.star(0),
                        kind(exchange),
                        names,
                        exchange.then(ids -> exchange.answer(200, list("Detached", ids))));
    }

    private static ObjectNode list(String name, List<String> ids) {
        ObjectNode out = NODES.objectNode();
        ArrayNode array = out.putArray(name);
        ids.forEach(array::add);
        return out;
    }
}
