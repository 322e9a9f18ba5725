package dev.berth.master.operator;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import dev.berth.master.cluster.Moment;
import dev.berth.master.cluster.TaskFacts;
import dev.berth.master.cluster.Wire;
import dev.berth.master.ids.AgentId;
import dev.berth.protocol.v1.Protos.MasterInfo;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** Mesos's older pages: JSON that tools of before the v1 API read. */
final class Pages {
    private static final JsonFactory FACTORY = new JsonFactory();

    private final Moment moment;
    private final Supplier<Picture> picture;
    private final PageParts parts;

    /** @param picture is made only for pages that need it */
    Pages(Moment moment, Supplier<Picture> picture) {
        this.moment = moment;
        this.picture = picture;
        parts = new PageParts(moment);
    }

    /** One page, or what is asked of it, as JSON in UTF-8. */
    byte[] json(Page page, PageQuery query) {
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
                for (Map.Entry<String, Double> metric : new Metrics(moment).all().entrySet()) {
                    PageParts.number(json, metric.getKey(), metric.getValue());
                }
            }
            case VERSION -> json.writeStringField("version", moment.settings().version());
            case FLAGS -> flags(json);
            case HEALTH -> {}
        }
    }

    private void flags(JsonGenerator json) throws IOException {
        json.writeObjectFieldStart("flags");
        for (Map.Entry<String, String> flag : new TreeMap<>(moment.settings().flags()).entrySet()) {
            json.writeStringField(flag.getKey(), flag.getValue());
        }
        json.writeEndObject();
    }

    private void state(JsonGenerator json) throws IOException {
        MasterInfo info = moment.settings().info();
        json.writeStringField("version", moment.settings().version());
        PageParts.number(json, "start_time", moment.startedNs() / 1e9);
        PageParts.number(json, "elected_time", moment.settings().electedNs() / 1e9);
        json.writeStringField("id", info.getId());
        json.writeStringField("pid", info.getPid());
        json.writeStringField("hostname", info.getHostname());
        json.writeArrayFieldStart("capabilities");
        for (MasterInfo.Capability capability : info.getCapabilitiesList()) {
            json.writeString(capability.getType().name());
        }
        json.writeEndArray();
        long active = moment.tally().active();
        json.writeNumberField("activated_slaves", active);
        json.writeNumberField("deactivated_slaves", moment.tally().agents() - active);
        json.writeNumberField("unreachable_slaves", moment.unreachable());
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
        String name = moment.settings().flags().get("cluster");
        if (name != null) {
            json.writeStringField("cluster", name);
        }
    }

    private void agents(JsonGenerator json, PageQuery query, boolean full) throws IOException {
        json.writeArrayFieldStart("slaves");
        for (AgentPart agent : picture.get().agents()) {
            if (query.takesAgent(agent.facts().id().value())) {
                json.writeStartObject();
                parts.agent(json, agent, full);
                json.writeEndObject();
            }
        }
        json.writeEndArray();
        json.writeArrayFieldStart("recovered_slaves");
        for (var record : moment.recovered()) {
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
        frameworks(json, query, picture.get().frameworks());
        json.writeEndArray();
        json.writeArrayFieldStart("completed_frameworks");
        frameworks(json, query, picture.get().completed());
        json.writeEndArray();
        json.writeArrayFieldStart("unregistered_frameworks");
        json.writeEndArray();
    }

    private void frameworks(JsonGenerator json, PageQuery query, Iterable<FrameworkPart> frameworks)
            throws IOException {
        for (FrameworkPart framework : frameworks) {
            if (query.takesFramework(framework.facts().id().value())) {
                parts.framework(json, framework);
            }
        }
    }

    /** A part at a time: clients ask for the next hundred until there are fewer. */
    private void tasks(JsonGenerator json, PageQuery query) throws IOException {
        List<TaskFacts> tasks = new ArrayList<>();
        picture.get().frameworks().forEach(framework -> tasks(tasks, framework, query));
        picture.get().completed().forEach(framework -> tasks(tasks, framework, query));
        Comparator<TaskFacts> age = Comparator.comparingDouble(Pages::begun);
        tasks.sort(query.oldestFirst() ? age : age.reversed());
        json.writeArrayFieldStart("tasks");
        int from = Math.min(query.offset(), tasks.size());
        for (TaskFacts task :
                tasks.subList(from, from + Math.min(query.limit(), tasks.size() - from))) {
            PageParts.task(json, task);
        }
        json.writeEndArray();
    }

    private static void tasks(List<TaskFacts> tasks, FrameworkPart framework, PageQuery query) {
        if (query.takesFramework(framework.facts().id().value())) {
            PageParts.all(framework)
                    .filter(task -> query.takesTask(task.id().value()))
                    .forEach(tasks::add);
        }
    }

    /** When a task was first heard of; those that were not come first. */
    private static double begun(TaskFacts task) {
        return task.value().getStatusesCount() == 0
                ? Double.NEGATIVE_INFINITY
                : task.value().getStatuses(0).getTimestamp();
    }

    /** Tasks that have ended count too, as long as the master remembers them. */
    private void summary(JsonGenerator json) throws IOException {
        Map<AgentId, List<TaskFacts>> on =
                picture.get().frameworks().stream()
                        .flatMap(PageParts::all)
                        .collect(Collectors.groupingBy(TaskFacts::agent));
        json.writeStringField("hostname", moment.settings().info().getHostname());
        name(json);
        json.writeArrayFieldStart("slaves");
        for (AgentPart agent : picture.get().agents()) {
            json.writeStartObject();
            parts.agent(json, agent, false);
            List<TaskFacts> tasks = on.getOrDefault(agent.facts().id(), List.of());
            PageParts.strings(
                    json,
                    "framework_ids",
                    tasks.stream().map(task -> task.framework().value()).distinct().toList());
            PageParts.counts(json, tasks);
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeArrayFieldStart("frameworks");
        for (FrameworkPart framework : picture.get().frameworks()) {
            json.writeStartObject();
            parts.frameworkHead(json, framework);
            List<TaskFacts> tasks = PageParts.all(framework).toList();
            PageParts.strings(
                    json,
                    "slave_ids",
                    tasks.stream().map(task -> task.agent().value()).distinct().toList());
            PageParts.counts(json, tasks);
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}
