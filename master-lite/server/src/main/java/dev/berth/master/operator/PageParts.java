package dev.berth.master.operator;

import com.fasterxml.jackson.core.JsonGenerator;

import dev.berth.master.cluster.Capabilities;
import dev.berth.master.cluster.ExecutorFacts;
import dev.berth.master.cluster.ExecutorUse;
import dev.berth.master.cluster.Moment;
import dev.berth.master.cluster.OpenOffer;
import dev.berth.master.cluster.ResourceWire;
import dev.berth.master.cluster.TaskFacts;
import dev.berth.master.ids.AgentId;
import dev.berth.master.resources.Resource;
import dev.berth.master.resources.Resources;
import dev.berth.protocol.MesosJson;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.AgentInfo;
import dev.berth.protocol.v1.Protos.Attribute;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;

import java.io.IOException;
import java.util.Collection;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Agents, frameworks, tasks and roles as Mesos's older pages have them. */
final class PageParts {
    private final Moment moment;

    PageParts(Moment moment) {
        this.moment = moment;
    }

    void agent(JsonGenerator json, AgentPart agent, boolean full) throws IOException {
        agentHead(json, agent.facts().id(), agent.facts().info());
        json.writeStringField("pid", Views.pid(agent.facts()));
        number(json, "registered_time", agent.facts().registeredNs() / 1e9);
        if (agent.facts().reregisteredNs().isPresent()) {
            number(json, "reregistered_time", agent.facts().reregisteredNs().get() / 1e9);
        }
        resources(json, "resources", agent.facts().total());
        resources(json, "used_resources", agent.used());
        resources(json, "offered_resources", agent.offered());
        json.writeObjectFieldStart("reserved_resources");
        json.writeEndObject();
        resources(json, "unreserved_resources", agent.facts().total());
        json.writeBooleanField("active", agent.facts().active());
        json.writeBooleanField("deactivated", false);
        json.writeStringField("version", moment.settings().version());
        json.writeStringField("berth_version", agent.facts().version());
        json.writeArrayFieldStart("capabilities");
        for (var capability : Views.agentCapabilities()) {
            json.writeString(capability.name());
        }
        json.writeEndArray();
        if (full) {
            full(json, "used_resources_full", agent.used());
            full(json, "offered_resources_full", agent.offered());
            full(json, "unreserved_resources_full", agent.facts().total());
            json.writeObjectFieldStart("reserved_resources_full");
            json.writeEndObject();
        }
    }

    /** What is known of an agent that is away, too. */
    static void agentHead(JsonGenerator json, AgentId id, AgentInfo info) throws IOException {
        json.writeStringField("id", id.value());
        json.writeStringField("hostname", info.getHostname());
        json.writeNumberField("port", info.getPort());
        json.writeObjectFieldStart("attributes");
        Map<String, List<Attribute>> byName =
                info.getAttributesList().stream()
                        .collect(
                                Collectors.groupingBy(
                                        Attribute::getName,
                                        LinkedHashMap::new,
                                        Collectors.toList()));
        for (Map.Entry<String, List<Attribute>> entry : byName.entrySet()) {
            attribute(json, entry.getKey(), entry.getValue());
        }
        json.writeEndObject();
    }

    static void number(JsonGenerator json, String field, double value) throws IOException {
        json.writeFieldName(field);
        MesosJson.write(value, json);
    }

    private static void full(JsonGenerator json, String field, Resources resources)
            throws IOException {
        json.writeArrayFieldStart(field);
        for (Protos.Resource resource : ResourceWire.write(resources)) {
            MesosJson.write(resource, json);
        }
        json.writeEndArray();
    }

    /** Several of one name are one text: an object has a name once. */
    private static void attribute(JsonGenerator json, String name, List<Attribute> all)
            throws IOException {
        if (all.size() == 1 && all.getFirst().getType() == Protos.Value.Type.SCALAR) {
            number(json, name, all.getFirst().getScalar().getValue());
        } else {
            json.writeStringField(
                    name, all.stream().map(PageParts::text).collect(Collectors.joining(",")));
        }
    }

    private static String text(Attribute attribute) {
        return switch (attribute.getType()) {
            case SCALAR -> String.valueOf(attribute.getScalar().getValue());
            case TEXT -> attribute.getText().getValue();
            case RANGES ->
                    attribute.getRanges().getRangeList().stream()
                            .map(range -> range.getBegin() + "-" + range.getEnd())
                            .collect(Collectors.joining(", ", "[", "]"));
            case SET -> "{" + String.join(",", attribute.getSet().getItemList()) + "}";
        };
    }

    /** Mesos always has the four usual amounts, and the rest as text. */
    static void resources(JsonGenerator json, String field, Resources resources)
            throws IOException {
        json.writeObjectFieldStart(field);
        for (String name : List.of("disk", "mem", "gpus", "cpus")) {
            number(json, name, resources.millis(name) / 1000.0);
        }
        for (Resource entry : resources.entries()) {
            switch (entry) {
                case Resource.Scalar scalar -> {
                    if (!List.of("disk", "mem", "gpus", "cpus").contains(scalar.name())) {
                        number(json, scalar.name(), scalar.value());
                    }
                }
                case Resource.Numbers numbers ->
                        json.writeStringField(numbers.name(), numbers.ranges().toString());
                case Resource.Names names ->
                        json.writeStringField(names.name(), names.items().toString());
            }
        }
        json.writeEndObject();
    }

    void frameworkHead(JsonGenerator json, FrameworkPart framework) throws IOException {
        FrameworkInfo info = framework.facts().info();
        json.writeStringField("id", framework.facts().id().value());
        json.writeStringField("name", info.getName());
        Resources used = framework.held().sum();
        Resources offered = Resources.EMPTY;
        for (OpenOffer offer : framework.offers()) {
            offered = offered.plus(offer.resources());
        }
        resources(json, "used_resources", used);
        resources(json, "offered_resources", offered);
        json.writeArrayFieldStart("capabilities");
        for (FrameworkInfo.Capability capability : info.getCapabilitiesList()) {
            json.writeString(capability.getType().name());
        }
        json.writeEndArray();
        json.writeStringField("hostname", info.getHostname());
        json.writeStringField("webui_url", info.getWebuiUrl());
        json.writeBooleanField("active", framework.facts().connected());
        json.writeBooleanField("connected", framework.facts().connected());
        json.writeBooleanField("recovered", framework.facts().recovered());
        resources(json, "resources", used.plus(offered));
    }

    void framework(JsonGenerator json, FrameworkPart framework) throws IOException {
        FrameworkInfo info = framework.facts().info();
        json.writeStartObject();
        frameworkHead(json, framework);
        json.writeStringField("user", info.getUser());
        number(json, "failover_timeout", info.getFailoverTimeout());
        json.writeBooleanField("checkpoint", info.getCheckpoint());
        number(json, "registered_time", framework.facts().registeredNs() / 1e9);
        number(json, "unregistered_time", framework.facts().unregisteredNs().orElse(0L) / 1e9);
        if (framework.facts().reregisteredNs().isPresent()) {
            number(json, "reregistered_time", framework.facts().reregisteredNs().get() / 1e9);
        }
        if (info.hasPrincipal()) {
            json.writeStringField("principal", info.getPrincipal());
        }
        if (Capabilities.has(info, FrameworkInfo.Capability.Type.MULTI_ROLE)) {
            strings(json, "roles", framework.facts().roles());
        } else {
            json.writeStringField("role", framework.facts().roles().iterator().next());
        }
        strings(json, "suppressed_roles", framework.facts().suppressed());
        tasks(json, "tasks", framework.live());
        tasks(json, "unreachable_tasks", framework.unreachable());
        tasks(json, "completed_tasks", framework.completed());
        json.writeArrayFieldStart("offers");
        for (OpenOffer offer : framework.offers()) {
            json.writeStartObject();
            json.writeStringField("id", offer.id().value());
            json.writeStringField("framework_id", offer.framework().value());
            json.writeStringField("slave_id", offer.agent().value());
            json.writeObjectFieldStart("allocation_info");
            json.writeStringField("role", offer.role().path());
            json.writeEndObject();
            resources(json, "resources", offer.resources());
            json.writeEndObject();
        }
        json.writeEndArray();
        executors(json, framework);
        labels(json, info.hasLabels(), info.getLabels());
        json.writeEndObject();
    }

    private static void labels(JsonGenerator json, boolean there, Protos.Labels labels)
            throws IOException {
        if (there) {
            json.writeArrayFieldStart("labels");
            for (Protos.Label label : labels.getLabelsList()) {
                MesosJson.write(label, json);
            }
            json.writeEndArray();
        }
    }

    static void strings(JsonGenerator json, String field, Collection<String> values)
            throws IOException {
        json.writeArrayFieldStart(field);
        for (Iterator<String> each = values.iterator(); each.hasNext(); ) {
            json.writeString(each.next());
        }
        json.writeEndArray();
    }

    private void executors(JsonGenerator json, FrameworkPart framework) throws IOException {
        json.writeArrayFieldStart("executors");
        for (ExecutorFacts executor : framework.executors()) {
            ExecutorUse use = executor.use();
            json.writeStartObject();
            json.writeStringField("executor_id", use.id().value());
            json.writeStringField("name", use.info().getName());
            json.writeStringField("framework_id", framework.facts().id().value());
            json.writeStringField("slave_id", executor.agent().value());
            resources(json, "resources", use.resources());
            json.writeStringField("type", use.info().getType().name());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    /** Every task that the master remembers of a framework. */
    static Stream<TaskFacts> all(FrameworkPart framework) {
        return Stream.of(framework.live(), framework.unreachable(), framework.completed())
                .flatMap(Collection::stream);
    }

    private static void tasks(JsonGenerator json, String field, Collection<TaskFacts> tasks)
            throws IOException {
        json.writeArrayFieldStart(field);
        for (TaskFacts task : tasks) {
            task(json, task);
        }
        json.writeEndArray();
    }

    static void task(JsonGenerator json, TaskFacts task) throws IOException {
        Protos.Task value = task.value();
        json.writeStartObject();
        json.writeStringField("id", task.id().value());
        json.writeStringField("name", value.getName());
        json.writeStringField("framework_id", task.framework().value());
        json.writeStringField("executor_id", value.getExecutorId().getValue());
        json.writeStringField("slave_id", task.agent().value());
        json.writeStringField("state", task.state().name());
        resources(json, "resources", task.resources());
        json.writeStringField("role", task.role().path());
        json.writeArrayFieldStart("statuses");
        for (TaskStatus status : value.getStatusesList()) {
            json.writeStartObject();
            json.writeStringField("state", status.getState().name());
            number(json, "timestamp", status.getTimestamp());
            if (status.hasHealthy()) {
                json.writeBooleanField("healthy", status.getHealthy());
            }
            // Which address a task has, for what reads no container_status: mesos-dns.
            labels(json, status.hasLabels(), status.getLabels());
            message(
                    json,
                    "container_status",
                    status.hasContainerStatus(),
                    status.getContainerStatus());
            json.writeEndObject();
        }
        json.writeEndArray();
        labels(json, value.hasLabels(), value.getLabels());
        message(json, "discovery", value.hasDiscovery(), value.getDiscovery());
        message(json, "container", value.hasContainer(), value.getContainer());
        message(json, "health_check", value.hasHealthCheck(), value.getHealthCheck());
        json.writeStringField("user", value.getUser());
        json.writeEndObject();
    }

    private static void message(
            JsonGenerator json, String field, boolean there, com.google.protobuf.Message message)
            throws IOException {
        if (there) {
            json.writeFieldName(field);
            MesosJson.write(message, json);
        }
    }

    /** How many tasks are in which state, all states named. */
    static void counts(JsonGenerator json, Collection<TaskFacts> tasks) throws IOException {
        Map<TaskState, Integer> counts = new EnumMap<>(TaskState.class);
        tasks.forEach(task -> counts.merge(task.state(), 1, Integer::sum));
        for (TaskState state : TaskState.values()) {
            json.writeNumberField(state.name(), counts.getOrDefault(state, 0));
        }
    }

    void roles(JsonGenerator json) throws IOException {
        json.writeArrayFieldStart("roles");
        for (var role : moment.roles()) {
            json.writeStartObject();
            json.writeStringField("name", role.role().path());
            json.writeNumberField("weight", role.weight());
            json.writeArrayFieldStart("frameworks");
            for (var framework : role.frameworks()) {
                json.writeString(framework.value());
            }
            json.writeEndArray();
            resources(json, "resources", role.allocated());
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}
