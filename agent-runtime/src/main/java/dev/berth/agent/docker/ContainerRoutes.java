package dev.berth.agent.docker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.conductor.ConductorProxy;
import dev.berth.agent.conductor.ContainerView;
import dev.berth.agent.conductor.Status;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.CreateRequest;
import dev.berth.agent.config.Fields;
import dev.berth.agent.config.Signals;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Containers: create, list, inspect, and what changes their state. */
final class ContainerRoutes {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    /** What docker update may change. */
    private static final Set<String> UPDATABLE =
            Set.of(
                    "BlkioWeight",
                    "BlkioDeviceReadBps",
                    "BlkioDeviceReadIOps",
                    "BlkioDeviceWriteBps",
                    "BlkioDeviceWriteIOps",
                    "CpuPeriod",
                    "CpuQuota",
                    "CpuShares",
                    "CpusetCpus",
                    "CpusetMems",
                    "Memory",
                    "MemoryReservation",
                    "MemorySwap",
                    "NanoCpus",
                    "PidsLimit",
                    "RestartPolicy");

    private ContainerRoutes() {}

    static void add(Route.Table table) {
        table.add("GET", "/containers/json", ContainerRoutes::list);
        table.add("POST", "/containers/create", ContainerRoutes::create);
        table.add("POST", "/containers/prune", ContainerRoutes::prune);
        table.add("GET", "/containers/*/json", ContainerRoutes::inspect);
        table.add(
                "POST",
                "/containers/*/start",
                exchange -> conductor(exchange).start(exchange.star(0), exchange.done(204)));
        table.add("POST", "/containers/*/stop", ContainerRoutes::stop);
        table.add("POST", "/containers/*/restart", ContainerRoutes::restart);
        table.add("POST", "/containers/*/kill", ContainerRoutes::kill);
        table.add(
                "POST",
                "/containers/*/pause",
                exchange -> conductor(exchange).pause(exchange.star(0), true, exchange.done(204)));
        table.add(
                "POST",
                "/containers/*/unpause",
                exchange -> conductor(exchange).pause(exchange.star(0), false, exchange.done(204)));
        table.add("POST", "/containers/*/resize", ContainerRoutes::resize);
        table.add("POST", "/containers/*/rename", ContainerRoutes::rename);
        table.add("POST", "/containers/*/update", ContainerRoutes::update);
        table.add("DELETE", "/containers/*", ContainerRoutes::remove);
        table.add("POST", "/berth/plan", ContainerRoutes::plan);
    }

    private static ConductorProxy conductor(Exchange exchange) {
        return exchange.context().conductor();
    }

    private static void create(Exchange exchange) throws AgentException {
        CreateRequest request =
                CreateRequest.of(
                        Optional.of(exchange.text("name")),
                        Optional.of(exchange.text("platform")),
                        exchange.json());
        conductor(exchange)
                .create(
                        request,
                        exchange.then(made -> {
                            ObjectNode out = NODES.objectNode();
                            out.put("Id", made.id().value());
                            ArrayNode warnings = out.putArray("Warnings");
                            made.warnings().forEach(warnings::add);
                            exchange.answer(201, out);
                        }));
    }

    private static void plan(Exchange exchange) throws AgentException {
        CreateRequest request =
                CreateRequest.of(
                        Optional.empty(), Optional.of(exchange.text("platform")), exchange.json());
        conductor(exchange)
                .plan(
                        request,
                        exchange.then(text ->
                                exchange.answer(
                                        200,
                                        "text/plain; charset=utf-8",
                                        text.getBytes(StandardCharsets.UTF_8))));
    }

    private static void list(Exchange exchange) throws AgentException {
        ApiContext context = exchange.context();
        Filters filters =
                exchange.filters()
                        .only(
                                "status",
                                "name",
                                "label",
                                "id",
                                "ancestor",
                                "exited",
                                "before",
                                "since",
                                "network",
                                "health",
                                "is-task");
        boolean all = exchange.flag("all") || filters.has("status") || filters.has("exited");
        int limit = exchange.number("limit").orElse(0);
        long before = created(context, filters, "before", Long.MAX_VALUE);
        long since = created(context, filters, "since", Long.MIN_VALUE);
        ArrayNode out = NODES.arrayNode();
        for (ContainerView view : context.containers().all()) {
            boolean shown = all || limit > 0 || isRunning(view);
            if (!shown
                    || view.createdNs() >= before
                    || view.createdNs() <= since
                    || !fits(view, filters, context)) {
                continue;
            }
            ObjectNode entry = ContainerJson.summary(view, context.images());
            if (exchange.flag("size")) {
                entry.put("SizeRw", 0).put("SizeRootFs", 0);
            }
            out.add(entry);
            if (limit > 0 && out.size() == limit) {
                break;
            }
        }
        exchange.answer(200, out);
    }

    private static boolean isRunning(ContainerView view) {
        return view.status().isAlive() || view.status() == Status.RESTARTING;
    }

    private static long created(ApiContext context, Filters filters, String name, long fallback)
            throws AgentException {
        return filters.has(name)
                ? context.containers().resolve(filters.of(name).getFirst()).createdNs()
                : fallback;
    }

    private static boolean fits(ContainerView view, Filters filters, ApiContext context)
            throws AgentException {
        for (String status : filters.of("status")) {
            if (!List.of("created", "running", "paused", "restarting", "removing", "exited", "dead")
                    .contains(status)) {
                throw AgentException.invalid("invalid filter 'status=" + status + "'");
            }
        }
        return filters.fits("status", status -> view.status().word().equals(status))
                && filters.fits("id", id -> view.id().value().startsWith(id))
                && filters.fits("name", name -> matches(view.name(), name))
                && filters.fits(
                        "exited",
                        code ->
                                view.status() == Status.EXITED
                                        && code.equals(String.valueOf(view.exitCode())))
                && filters.fits("network", name -> view.spec().networkMode().equals(name))
                && filters.fits("health", health -> health.equals("none"))
                && filters.fits("is-task", task -> task.equals("false"))
                && filters.fits(
                        "ancestor",
                        ancestor -> ContainerJson.isFrom(view, ancestor, context.images()))
                && filters.labels(view.spec().labels());
    }

    /** Docker takes a name's filter for a regular expression, with or without the leading slash. */
    private static boolean matches(String name, String pattern) {
        try {
            var compiled = java.util.regex.Pattern.compile(pattern);
            return compiled.matcher(name).find() || compiled.matcher("/" + name).find();
        } catch (java.util.regex.PatternSyntaxException _) {
            return name.contains(pattern);
        }
    }

    private static void inspect(Exchange exchange) throws AgentException {
        ContainerView view = exchange.context().containers().resolve(exchange.star(0));
        ObjectNode out = ContainerJson.inspect(view, exchange.context());
        if (exchange.flag("size")) {
            out.put("SizeRw", 0).put("SizeRootFs", 0);
        }
        exchange.answer(200, out);
    }

    private static OptionalInt signal(Exchange exchange) throws AgentException {
        String text = exchange.text("signal");
        return text.isEmpty() ? OptionalInt.empty() : OptionalInt.of(Signals.parse(text));
    }

    private static void stop(Exchange exchange) throws AgentException {
        conductor(exchange)
                .stop(exchange.star(0), signal(exchange), exchange.number("t"), exchange.done(204));
    }

    private static void restart(Exchange exchange) throws AgentException {
        conductor(exchange)
                .restart(
                        exchange.star(0),
                        signal(exchange),
                        exchange.number("t"),
                        exchange.done(204));
    }

    private static void kill(Exchange exchange) throws AgentException {
        conductor(exchange)
                .kill(
                        exchange.star(0),
                        signal(exchange).orElse(Signals.SIGKILL),
                        exchange.done(204));
    }

    private static void resize(Exchange exchange) throws AgentException {
        conductor(exchange)
                .resize(
                        exchange.star(0),
                        size(exchange, "h"),
                        size(exchange, "w"),
                        exchange.done(200));
    }

    static int size(Exchange exchange, String name) throws AgentException {
        int value = exchange.number(name).orElse(-1);
        if (value < 0 || value > 65535) {
            throw AgentException.invalid("invalid resize " + name + ": want 0 to 65535");
        }
        return value;
    }

    private static void rename(Exchange exchange) throws AgentException {
        String name = exchange.text("name");
        if (name.isEmpty()) {
            throw AgentException.invalid("Neither old nor new names may be empty");
        }
        conductor(exchange)
                .rename(exchange.star(0), CreateRequest.checkName(name), exchange.done(204));
    }

    private static void update(Exchange exchange) throws AgentException {
        JsonNode body = exchange.json();
        ObjectNode changes = NODES.objectNode();
        for (Map.Entry<String, JsonNode> entry : body.properties()) {
            if (Fields.isEmpty(entry.getValue())) {
                continue;
            }
            if (!UPDATABLE.contains(entry.getKey())) {
                throw AgentException.refused("update of " + entry.getKey(), "");
            }
            changes.set(entry.getKey(), entry.getValue());
        }
        if (changes.path("RestartPolicy").path("Name").asText("x").isEmpty()) {
            changes.remove("RestartPolicy");
        }
        conductor(exchange)
                .update(
                        exchange.star(0),
                        changes,
                        exchange.then(_ -> {
                            ObjectNode out = NODES.objectNode();
                            out.putArray("Warnings");
                            exchange.answer(200, out);
                        }));
    }

    private static void remove(Exchange exchange) throws AgentException {
        if (exchange.flag("link")) {
            throw AgentException.refused("removal of links", "");
        }
        conductor(exchange).remove(exchange.star(0), exchange.flag("force"), exchange.done(204));
    }

    private static void prune(Exchange exchange) throws AgentException {
        Filters filters = exchange.filters().only("label", "until");
        if (filters.has("until")) {
            throw AgentException.refused("prune with the filter until", "");
        }
        List<ContainerView> ended = new java.util.ArrayList<>();
        for (ContainerView view : exchange.context().containers().all()) {
            boolean over = view.status() == Status.EXITED || view.status() == Status.CREATED;
            if (over && filters.labels(view.spec().labels())) {
                ended.add(view);
            }
        }
        ObjectNode out = NODES.objectNode();
        ArrayNode deleted = out.putArray("ContainersDeleted");
        out.put("SpaceReclaimed", 0);
        removeNext(exchange, ended.iterator(), deleted, out);
    }

    private static void removeNext(
            Exchange exchange,
            java.util.Iterator<ContainerView> rest,
            ArrayNode deleted,
            ObjectNode out) {
        if (!rest.hasNext()) {
            exchange.answer(200, out);
            return;
        }
        String id = rest.next().id().value();
        conductor(exchange)
                .remove(
                        id,
                        false,
                        new dev.berth.agent.conductor.Answer<>() {
                            @Override
                            public void onResult(Boolean result) {
                                deleted.add(id);
                                removeNext(exchange, rest, deleted, out);
                            }

                            @Override
                            public void onFailure(AgentException failure) {
                                // It was started or removed in the meantime: no longer ours.
                                removeNext(exchange, rest, deleted, out);
                            }
                        });
    }
}
