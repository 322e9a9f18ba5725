package dev.berth.master.operator;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import dev.berth.master.cluster.Agent;
import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.Framework;
import dev.berth.master.cluster.Task;
import dev.berth.master.cluster.Wire;
import dev.berth.master.ids.AgentId;
import dev.berth.protocol.v1.Protos.MasterInfo;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Mesos's older pages: JSON that tools of before the v1 API read. */
public final class Pages {
    private static final JsonFactory FACTORY = new JsonFactory();

    private final Cluster cluster;
    private final Metrics metrics;
    private final PageParts parts;

    public Pages(Cluster cluster) {
        this.cluster = cluster;
        metrics = new Metrics(cluster);
        parts = new PageParts(cluster);
    }

    /** One page, or what is asked of it, as JSON in UTF-8. */
    public byte[] json(Page page, PageQuery query) {
        if (page == Page.HEALTH) {
            return new byte[0];
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream(4096);
        try (JsonGenerator json = FACTORY.createGenerator(out)) {
            json.writeStartObject();
            fields(page, query, json);
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException("write JSON to memory", e);
        }
        return out.toByteArray();
    }

    private void fields(Page page, PageQuery query, JsonGenerator json) throws IOException {
        switch (page) {
            case STATE -> state(json);
            case STATE_SUMMARY -> summary(json);
            case SLAVES -> agents(json, query, true);
            case TASKS -> tasks(json, query);
            case FRAMEWORKS -> frameworks(json, query);
            case ROLES -> parts.roles(json);
            case METRICS_SNAPSHOT -> {
                for (Map.Entry<String, Double> metric : metrics.all().entrySet()) {
                    PageParts.number(json, metric.getKey(), metric.getValue());
                }
            }
            case VERSION -> json.writeStringField("version", cluster.settings().version());
            case FLAGS -> flags(json);
            case HEALTH -> {}
        }
    }

    private void flags(JsonGenerator json) throws IOException {
        json.writeObjectFieldStart("flags");
        for (Map.Entry<String, String> flag :
                new TreeMap<>(cluster.settings().flags()).entrySet()) {
            json.writeStringField(flag.getKey(), flag.getValue());
        }
        json.writeEndObject();
    }

    private void state(JsonGenerator json) throws IOException {
        MasterInfo info = cluster.settings().info();
        json.writeStringField("version", cluster.settings().version());
        PageParts.number(json, "start_time", cluster.startedNs() / 1e9);
        PageParts.number(json, "elected_time", cluster.settings().electedNs() / 1e9);
        json.writeStringField("id", info.getId());
        json.writeStringField("pid", info.getPid());
        json.writeStringField("hostname", info.getHostname());
        json.writeArrayFieldStart("capabilities");
        for (MasterInfo.Capability capability : info.getCapabilitiesList()) {
            json.writeString(capability.getType().name());
        }
        json.writeEndArray();
        int active = (int) cluster.agents().stream().filter(Agent::isActive).count();
        json.writeNumberField("activated_slaves", active);
        json.writeNumberField("deactivated_slaves", cluster.agents().size() - active);
        json.writeNumberField("unreachable_slaves", cluster.unreachable().size());
        json.writeStringField("leader", info.getPid());
        json.writeObjectFieldStart("leader_info");
        json.writeStringField("id", info.getId());
        json.writeStringField("pid", info.getPid());
        json.writeNumberField("port", info.getPort());
        json.writeStringField("hostname", info.getHostname());
        json.writeEndObject();
        name(json);
        flags(json);
        agents(json, PageQuery.NONE, false);
        frameworks(json, PageQuery.NONE);
        json.writeArrayFieldStart("orphan_tasks");
        json.writeEndArray();
    }

    /** What people call the cluster, where they do. */
    private void name(JsonGenerator json) throws IOException {
        String name = cluster.settings().flags().get("cluster");
        if (name != null) {
            json.writeStringField("cluster", name);
        }
    }

    private void agents(JsonGenerator json, PageQuery query, boolean full) throws IOException {
        json.writeArrayFieldStart("slaves");
        for (Agent agent : cluster.agents()) {
            if (query.takesAgent(agent.id().value())) {
                json.writeStartObject();
                parts.agent(json, agent, full);
                json.writeEndObject();
            }
        }
        json.writeEndArray();
        json.writeArrayFieldStart("recovered_slaves");
        for (var record : cluster.recovered().values()) {
            if (query.takesAgent(record.id().value())) {
                json.writeStartObject();
                PageParts.agentHead(json, record.id(), Wire.info(record));
                json.writeEndObject();
            }
        }
        json.writeEndArray();
    }

    private void frameworks(JsonGenerator json, PageQuery query) throws IOException {
        json.writeArrayFieldStart("frameworks");
        frameworks(json, query, cluster.frameworks());
        json.writeEndArray();
        json.writeArrayFieldStart("completed_frameworks");
        frameworks(json, query, cluster.completedFrameworks());
        json.writeEndArray();
        json.writeArrayFieldStart("unregistered_frameworks");
        json.writeEndArray();
    }

    private void frameworks(JsonGenerator json, PageQuery query, Iterable<Framework> frameworks)
            throws IOException {
        for (Framework framework : frameworks) {
            if (query.takesFramework(framework.id().value())) {
                parts.framework(json, framework);
            }
        }
    }

    /** A part at a time: clients ask for the next hundred until there are fewer. */
    private void tasks(JsonGenerator json, PageQuery query) throws IOException {
        List<Task> tasks = new ArrayList<>();
        cluster.frameworks().forEach(framework -> tasks(tasks, framework, query));
        cluster.completedFrameworks().forEach(framework -> tasks(tasks, framework, query));
        Comparator<Task> age = Comparator.comparingDouble(Pages::begun);
        tasks.sort(query.oldestFirst() ? age : age.reversed());
        json.writeArrayFieldStart("tasks");
        int from = Math.min(query.offset(), tasks.size());
        for (Task task : tasks.subList(from, from + Math.min(query.limit(), tasks.size() - from))) {
            PageParts.task(json, task);
        }
        json.writeEndArray();
    }

    private static void tasks(List<Task> tasks, Framework framework, PageQuery query) {
        if (query.takesFramework(framework.id().value())) {
            PageParts.all(framework)
                    .filter(task -> query.takesTask(task.id().value()))
                    .forEach(tasks::add);
        }
    }

    /** When a task was first heard of; those that were not come first. */
    private static double begun(Task task) {
        return task.value().getStatusesCount() == 0
                ? Double.NEGATIVE_INFINITY
                : task.value().getStatuses(0).getTimestamp();
    }

    /** Tasks that have ended count too, as long as the master remembers them. */
    private void summary(JsonGenerator json) throws IOException {
        Map<AgentId, List<Task>> on =
                cluster.frameworks().stream()
                        .flatMap(PageParts::all)
                        .collect(Collectors.groupingBy(Task::agent));
        json.writeStringField("hostname", cluster.settings().info().getHostname());
        name(json);
        json.writeArrayFieldStart("slaves");
        for (Agent agent : cluster.agents()) {
            json.writeStartObject();
            parts.agent(json, agent, false);
            List<Task> tasks = on.getOrDefault(agent.id(), List.of());
            PageParts.strings(
                    json,
                    "framework_ids",
                    tasks.stream().map(task -> task.framework().value()).distinct().toList());
            PageParts.counts(json, tasks);
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeArrayFieldStart("frameworks");
        for (Framework framework : cluster.frameworks()) {
            json.writeStartObject();
            parts.frameworkHead(json, framework);
            List<Task> tasks = PageParts.all(framework).toList();
            PageParts.strings(
                    json,
                    "slave_ids",
                    tasks.stream().map(task -> task.agent().value()).distinct().toList());
            PageParts.counts(json, tasks);
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    /** All metrics in Prometheus's text. */
    public byte[] prometheus() {
        return metrics.prometheus().getBytes(StandardCharsets.UTF_8);
    }
}
