package dev.berth.agent.operator;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.tasks.TaskView;
import dev.berth.protocol.v1.Protos.Attribute;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.Value;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** The older JSON pages: {@code /state} and {@code /metrics/snapshot}. Any thread. */
final class StatePages {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private StatePages() {}

    static ObjectNode state(AgentState.Picture now) {
        ObjectNode out = NODES.objectNode();
        out.put("version", now.version());
        out.put("start_time", plain(now.startedNs() / 1e9));
        if (now.info().hasId()) {
            out.put("id", now.info().getId().getValue());
        }
        out.put("hostname", now.info().getHostname());
        out.put("port", now.info().getPort());
        out.put("pid", "slave(1)@" + now.address() + ":" + now.info().getPort());
        out.put("registered", now.registered());
        if (!now.masters().isEmpty()) {
            out.put("master_hostname", host(now.masters().getFirst()));
        }
        resources(out.putObject("resources"), now.info().getResourcesList());
        resources(out.putObject("unreserved_resources"), now.info().getResourcesList());
        out.putObject("reserved_resources");
        ObjectNode attributes = out.putObject("attributes");
        now.info().getAttributesList().forEach(a -> attribute(attributes, a));
        out.putObject("flags");
        ArrayNode frameworks = out.putArray("frameworks");
        ArrayNode completed = out.putArray("completed_frameworks");
        Map<String, List<TaskView>> byFramework =
                now.tasks().stream()
                        .collect(
                                Collectors.groupingBy(
                                        v -> v.framework().getId().getValue(),
                                        LinkedHashMap::new,
                                        Collectors.toList()));
        byFramework
                .values()
                .forEach(tasks -> {
                    boolean over = tasks.stream().allMatch(TaskView::acknowledged);
                    framework((over ? completed : frameworks).addObject(), tasks);
                });
        return out;
    }

    /** Without an exponent, as Mesos writes numbers. */
    private static BigDecimal plain(double value) {
        return BigDecimal.valueOf(value).setScale(6, RoundingMode.HALF_UP);
    }

    /** The address itself where it names no host. */
    private static String host(String master) {
        try {
            return Optional.ofNullable(new URI(master).getHost()).orElse(master);
        } catch (URISyntaxException _) {
            return master;
        }
    }

    private static void framework(ObjectNode out, List<TaskView> tasks) {
        FrameworkInfo info = tasks.getFirst().framework();
        out.put("id", info.getId().getValue()).put("name", info.getName());
        out.put("user", info.getUser()).put("failover_timeout", info.getFailoverTimeout());
        out.put("checkpoint", info.getCheckpoint()).put("hostname", info.getHostname());
        out.put("role", info.getRolesCount() > 0 ? info.getRoles(0) : "*");
        ArrayNode roles = out.putArray("roles");
        info.getRolesList().forEach(roles::add);
        ArrayNode executors = out.putArray("executors");
        ArrayNode completed = out.putArray("completed_executors");
        Map<String, List<TaskView>> byExecutor =
                tasks.stream()
                        .collect(
                                Collectors.groupingBy(
                                        TaskView::executorId,
                                        LinkedHashMap::new,
                                        Collectors.toList()));
        byExecutor.forEach((id, members) -> {
            boolean over = members.stream().allMatch(TaskView::acknowledged);
            executor((over ? completed : executors).addObject(), id, members);
        });
    }

    private static void executor(ObjectNode out, String id, List<TaskView> tasks) {
        TaskView first = tasks.getFirst();
        out.put("id", id).put("name", "Command Executor (Task: " + first.info().getName() + ")");
        out.put("source", id);
        first.container().ifPresent(view -> out.put("container", view.id().value()));
        out.put("directory", first.sandbox().toString());
        ObjectNode resources = out.putObject("resources");
        resources(
                resources,
                tasks.stream().flatMap(t -> t.info().getResourcesList().stream()).toList());
        ArrayNode running = out.putArray("tasks");
        out.putArray("queued_tasks");
        ArrayNode completed = out.putArray("completed_tasks");
        for (TaskView view : tasks) {
            ObjectNode task = (view.acknowledged() ? completed : running).addObject();
            task.put("id", view.task().getTaskId().getValue()).put("name", view.task().getName());
            task.put("framework_id", view.task().getFrameworkId().getValue());
            task.put("executor_id", first.executor().isPresent() ? id : "");
            task.put("slave_id", view.task().getAgentId().getValue());
            task.put("state", view.task().getState().name());
            task.put("directory", view.sandbox().toString());
            resources(task.putObject("resources"), view.info().getResourcesList());
            ArrayNode statuses = task.putArray("statuses");
            for (TaskStatus status : view.task().getStatusesList()) {
                statuses.addObject()
                        .put("state", status.getState().name())
                        .put("timestamp", plain(status.getTimestamp()));
            }
        }
    }

    private static void resources(ObjectNode out, List<Resource> resources) {
        for (String name : new String[] {"cpus", "mem", "disk", "gpus"}) {
            out.put(name, 0.0);
        }
        for (Resource resource : resources) {
            switch (resource.getType()) {
                case SCALAR ->
                        out.put(
                                resource.getName(),
                                out.path(resource.getName()).asDouble()
                                        + resource.getScalar().getValue());
                case RANGES -> out.put(resource.getName(), ranges(resource.getRanges()));
                case SET ->
                        out.put(
                                resource.getName(),
                                "{" + String.join(", ", resource.getSet().getItemList()) + "}");
                case TEXT -> {}
            }
        }
    }

    private static String ranges(Value.Ranges ranges) {
        return ranges.getRangeList().stream()
                .map(range -> range.getBegin() + "-" + range.getEnd())
                .collect(Collectors.joining(", ", "[", "]"));
    }

    /** Several of one name are joined. */
    private static void attribute(ObjectNode out, Attribute attribute) {
        String name = attribute.getName();
        switch (attribute.getType()) {
            case SCALAR -> out.put(name, attribute.getScalar().getValue());
            case RANGES -> out.put(name, ranges(attribute.getRanges()));
            case TEXT ->
                    out.put(
                            name,
                            out.has(name)
                                    ? out.path(name).asText() + "," + attribute.getText().getValue()
                                    : attribute.getText().getValue());
            case SET -> out.put(name, String.join(",", attribute.getSet().getItemList()));
        }
    }

    static ObjectNode metrics(AgentState.Picture now) {
        ObjectNode out = NODES.objectNode();
        now.allMetrics().forEach((name, value) -> out.put(name, plain(value)));
        return out;
    }

    static ObjectNode file(SandboxFiles.Entry entry) {
        ObjectNode out = NODES.objectNode();
        out.put("path", entry.path()).put("size", entry.stat().sizeBytes());
        out.put("nlink", entry.stat().links()).put("mode", mode(entry));
        out.put("mtime", entry.stat().mtimeNs() / 1_000_000_000L);
        out.put("uid", String.valueOf(entry.stat().uid()));
        out.put("gid", String.valueOf(entry.stat().gid()));
        return out;
    }

    /** As ls(1) writes it. */
    private static String mode(SandboxFiles.Entry entry) {
        StringBuilder text = new StringBuilder(entry.isDirectory() ? "d" : "-");
        for (int bit = 8; bit >= 0; bit--) {
            boolean set = (entry.stat().mode() >> bit & 1) == 1;
            text.append(set ? "rwx".charAt((8 - bit) % 3) : '-');
        }
        return text.toString();
    }
}
