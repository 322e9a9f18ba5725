package dev.berth.master.operator;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import dev.berth.master.cluster.Agent;
import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.Framework;
import dev.berth.protocol.v1.Protos.MasterInfo;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

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

    /** One page as JSON in UTF-8. */
    public byte[] json(Page page) {
        if (page == Page.HEALTH) {
            return new byte[0];
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream(4096);
        try (JsonGenerator json = FACTORY.createGenerator(out)) {
            json.writeStartObject();
            fields(page, json);
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException("write JSON to memory", e);
        }
        return out.toByteArray();
    }

    private void fields(Page page, JsonGenerator json) throws IOException {
        switch (page) {
            case STATE -> state(json);
            case STATE_SUMMARY -> summary(json);
            case SLAVES -> agents(json, true);
            case TASKS -> tasks(json);
            case FRAMEWORKS -> frameworks(json);
            case ROLES -> parts.roles(json);
            case METRICS_SNAPSHOT -> {
                for (Map.Entry<String, Double> metric : metrics.all().entrySet()) {
                    json.writeNumberField(metric.getKey(), metric.getValue());
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
        json.writeNumberField("start_time", cluster.startedNs() / 1e9);
        json.writeNumberField("elected_time", cluster.settings().electedNs() / 1e9);
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
        flags(json);
        agents(json, false);
        frameworks(json);
        json.writeArrayFieldStart("orphan_tasks");
        json.writeEndArray();
    }

    private void agents(JsonGenerator json, boolean full) throws IOException {
        json.writeArrayFieldStart("slaves");
        for (Agent agent : cluster.agents()) {
            json.writeStartObject();
            parts.agent(json, agent, full);
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeArrayFieldStart("recovered_slaves");
        for (var record : cluster.recovered().values()) {
            json.writeStartObject();
            json.writeStringField("id", record.id().value());
            json.writeStringField("hostname", record.hostname());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private void frameworks(JsonGenerator json) throws IOException {
        json.writeArrayFieldStart("frameworks");
        for (Framework framework : cluster.frameworks()) {
            parts.framework(json, framework);
        }
        json.writeEndArray();
        json.writeArrayFieldStart("completed_frameworks");
        for (Framework framework : cluster.completedFrameworks()) {
            parts.framework(json, framework);
        }
        json.writeEndArray();
        json.writeArrayFieldStart("unregistered_frameworks");
        json.writeEndArray();
    }

    private void tasks(JsonGenerator json) throws IOException {
        json.writeArrayFieldStart("tasks");
        for (Framework framework : cluster.frameworks()) {
            parts.allTasks(json, framework);
        }
        for (Framework framework : cluster.completedFrameworks()) {
            parts.allTasks(json, framework);
        }
        json.writeEndArray();
    }

    private void summary(JsonGenerator json) throws IOException {
        Map<Agent, List<Framework>> on = new HashMap<>();
        for (Framework framework : cluster.frameworks()) {
            for (Agent agent : cluster.agentsOf(framework)) {
                on.computeIfAbsent(agent, _ -> new ArrayList<>()).add(framework);
            }
        }
        json.writeStringField("hostname", cluster.settings().info().getHostname());
        json.writeArrayFieldStart("slaves");
        for (Agent agent : cluster.agents()) {
            json.writeStartObject();
            parts.agent(json, agent, false);
            json.writeArrayFieldStart("framework_ids");
            for (Framework framework : on.getOrDefault(agent, List.of())) {
                json.writeString(framework.id().value());
            }
            json.writeEndArray();
            parts.counts(json, agent.tasks().values());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeArrayFieldStart("frameworks");
        for (Framework framework : cluster.frameworks()) {
            json.writeStartObject();
            parts.frameworkHead(json, framework);
            json.writeArrayFieldStart("slave_ids");
            for (Agent agent : cluster.agentsOf(framework)) {
                json.writeString(agent.id().value());
            }
            json.writeEndArray();
            parts.counts(json, framework.live().values());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    /** All metrics in Prometheus's text. */
    public byte[] prometheus() {
        return metrics.prometheus().getBytes(StandardCharsets.UTF_8);
    }
}
