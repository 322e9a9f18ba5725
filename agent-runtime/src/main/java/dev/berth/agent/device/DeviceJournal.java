package dev.berth.agent.device;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.checkpoint.Journal;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.gpu.ContainerEdits;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.health.DeviceHealth;
import dev.berth.gpu.health.HealthRecord;
import dev.berth.gpu.ledger.GrantJournal;
import dev.berth.gpu.ledger.GrantRecord;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerId;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What must be known of devices after the agent's end: who holds what, what that added to a running container, what is in quarantine, what is not well. Grants mean nothing to the next boot; quarantine and health are synced.
 *
 * <p>Thread: conductor.
 */
final class DeviceJournal implements AutoCloseable {
    private final Journal journal;
    private final String bootId;
    private final Map<String, List<GrantRecord>> grants = new LinkedHashMap<>();
    private final Map<String, Map<DeviceId, HealthRecord>> health = new LinkedHashMap<>();
    private final Map<ContainerId, Opened> edits = new HashMap<>();
    private boolean sameBoot;

    /** What a container that runs can open: {@code devices} may differ from its grant where an agent died between the two. */
    record Opened(ContainerEdits edits, List<DeviceId> devices) {}

    /** Opens for appending and reads what is there. */
    DeviceJournal(Path file, String bootId) throws AgentException {
        this.bootId = bootId;
        journal = Journal.open(file, this::replay);
        if (!sameBoot) {
            ObjectNode boot = entry("boot");
            boot.put("bootId", bootId);
            journal.append(boot);
        }
    }

    private void replay(ObjectNode entry) {
        try {
            String kind = entry.path("kind").asText();
            switch (entry.path("what").asText()) {
                case "boot" -> {
                    sameBoot = entry.path("bootId").asText().equals(bootId);
                    edits.clear();
                    grants.values().forEach(list -> list.removeIf(record -> !record.durable()));
                }
                case "granted" -> records(kind).add(granted(kind, entry));
                case "released" -> records(kind).add(new GrantRecord.Released(container(entry)));
                case "quarantined" ->
                        records(kind)
                                .add(
                                        new GrantRecord.Quarantined(
                                                device(entry), entry.path("reason").asText()));
                case "lifted" -> records(kind).add(new GrantRecord.QuarantineLifted(device(entry)));
                case "health" -> healthOf(kind).put(device(entry), healthRecord(entry));
                case "healthy" -> healthOf(kind).remove(device(entry));
                case "edits" -> {
                    List<DeviceId> devices = new ArrayList<>();
                    entry.path("devices").forEach(id -> devices.add(new DeviceId(id.asText())));
                    edits.put(container(entry), new Opened(edits(entry), devices));
                }
                case "ended" -> edits.remove(container(entry));
                default -> {}
            }
        } catch (IllegalArgumentException e) {
            AgentLog.warn("device journal: line passed over: " + e.getMessage());
        }
    }

    private List<GrantRecord> records(String kind) {
        return grants.computeIfAbsent(kind, _ -> new ArrayList<>());
    }

    private Map<DeviceId, HealthRecord> healthOf(String kind) {
        return health.computeIfAbsent(kind, _ -> new LinkedHashMap<>());
    }

    private static ContainerId container(JsonNode entry) {
        return new ContainerId(entry.path("id").asText());
    }

    private static DeviceId device(JsonNode entry) {
        return new DeviceId(entry.path("device").asText());
    }

    private static GrantRecord granted(String kind, ObjectNode entry) {
        List<DeviceId> devices = new ArrayList<>();
        entry.path("devices").forEach(id -> devices.add(new DeviceId(id.asText())));
        return new GrantRecord.Granted(
                new DeviceGrant(
                        container(entry), kind, entry.path("generation").asLong(), devices));
    }

    private static HealthRecord healthRecord(ObjectNode entry) {
        return new HealthRecord(
                device(entry),
                DeviceHealth.State.valueOf(entry.path("state").asText()),
                DeviceHealth.Cure.valueOf(entry.path("cure").asText()),
                entry.path("reason").asText(),
                entry.path("sinceNs").asLong(),
                entry.path("bootId").asText());
    }

    private static ContainerEdits edits(ObjectNode entry) {
        List<String> environment = new ArrayList<>();
        entry.path("env").forEach(line -> environment.add(line.asText()));
        List<Integer> groups = new ArrayList<>();
        entry.path("groups").forEach(group -> groups.add(group.asInt()));
        List<DeviceNode> nodes = new ArrayList<>();
        for (JsonNode node : entry.path("nodes")) {
            nodes.add(
                    new DeviceNode(
                            node.path("path").asText(),
                            node.path("type").asText("c").charAt(0),
                            node.path("major").asInt(),
                            node.path("minor").asInt(),
                            node.path("mode").asInt(),
                            node.path("uid").asInt(),
                            node.path("gid").asInt(),
                            node.path("access").asText()));
        }
        return new ContainerEdits(environment, nodes, List.of(), groups, List.of(), List.of());
    }

    /** What was there of one kind's grants when the journal was opened, oldest first. */
    List<GrantRecord> replayedGrants(String kind) {
        return List.copyOf(grants.getOrDefault(kind, List.of()));
    }

    Collection<HealthRecord> replayedHealth(String kind) {
        return List.copyOf(health.getOrDefault(kind, Map.of()).values());
    }

    /** What running containers have of their devices: environment, nodes and groups, without mounts. */
    Map<ContainerId, Opened> edits() {
        return edits;
    }

    private static ObjectNode entry(String what) {
        ObjectNode entry = JsonNodeFactory.instance.objectNode();
        entry.put("what", what);
        return entry;
    }

    /** One ledger's way here. */
    GrantJournal of(String kind) {
        return record -> {
            try {
                ObjectNode entry = entry(kind, record);
                if (record.durable()) {
                    journal.appendDurably(entry);
                } else {
                    journal.append(entry);
                }
            } catch (AgentException e) {
                throw new DeviceException(e.chain(), e);
            }
        };
    }

    private static ObjectNode entry(String kind, GrantRecord record) {
        ObjectNode entry =
                switch (record) {
                    case GrantRecord.Granted(DeviceGrant grant) -> {
                        ObjectNode granted = entry("granted");
                        granted.put("id", grant.container().value());
                        granted.put("generation", grant.generation());
                        ArrayNode devices = granted.putArray("devices");
                        grant.devices().forEach(id -> devices.add(id.value()));
                        yield granted;
                    }
                    case GrantRecord.Released(ContainerId id) ->
                            entry("released").put("id", id.value());
                    case GrantRecord.Quarantined(DeviceId id, String reason) ->
                            entry("quarantined").put("device", id.value()).put("reason", reason);
                    case GrantRecord.QuarantineLifted(DeviceId id) ->
                            entry("lifted").put("device", id.value());
                };
        return entry.put("kind", kind);
    }

    /** Before a launch, and before nodes of a running container change. */
    void keepEdits(ContainerId id, Opened opened) throws AgentException {
        journal.append(entry(id, opened));
        edits.put(id, opened);
    }

    private static ObjectNode entry(ContainerId id, Opened opened) {
        ContainerEdits now = opened.edits();
        ObjectNode entry = entry("edits");
        entry.put("id", id.value());
        ArrayNode devices = entry.putArray("devices");
        opened.devices().forEach(device -> devices.add(device.value()));
        ArrayNode env = entry.putArray("env");
        now.environment().forEach(env::add);
        ArrayNode groups = entry.putArray("groups");
        now.additionalGroups().forEach(groups::add);
        ArrayNode nodes = entry.putArray("nodes");
        for (DeviceNode node : now.nodes()) {
            ObjectNode each = nodes.addObject();
            each.put("path", node.path()).put("type", String.valueOf(node.type()));
            each.put("major", node.major()).put("minor", node.minor()).put("mode", node.mode());
            each.put("uid", node.uid()).put("gid", node.gid()).put("access", node.access());
        }
        return entry;
    }

    void dropEdits(ContainerId id) {
        if (edits.remove(id) != null) {
            note(entry("ended").put("id", id.value()));
        }
    }

    void keepHealth(String kind, HealthRecord record) {
        healthOf(kind).put(record.device(), record);
        try {
            journal.appendDurably(entry(kind, record));
        } catch (AgentException e) {
            // The device is kept from everybody as long as this agent lives; the next one would not
            // know.
            AgentLog.error("health of device " + record.device(), e);
        }
    }

    private static ObjectNode entry(String kind, HealthRecord record) {
        ObjectNode entry = entry("health");
        entry.put("kind", kind).put("device", record.device().value());
        entry.put("state", record.state().name()).put("cure", record.cure().name());
        entry.put("reason", record.reason()).put("sinceNs", record.sinceNs());
        return entry.put("bootId", record.bootId());
    }

    void dropHealth(String kind, DeviceId device) {
        if (healthOf(kind).remove(device) != null) {
            note(entry("healthy").put("kind", kind).put("device", device.value()));
        }
    }

    private void note(ObjectNode entry) {
        try {
            journal.append(entry);
        } catch (AgentException e) {
            AgentLog.warn(e.chain());
        }
    }

    boolean isLong() {
        return journal.isLong();
    }

    /** Writes the journal anew with what is still true. Kinds that this agent does not know keep what an earlier one said of them. */
    void compact(Map<String, List<GrantRecord>> current) {
        grants.putAll(current);
        List<ObjectNode> entries = new ArrayList<>();
        entries.add(entry("boot").put("bootId", bootId));
        grants.forEach(
                (kind, records) -> records.forEach(record -> entries.add(entry(kind, record))));
        health.forEach((kind, records) ->
                records.values().forEach(record -> entries.add(entry(kind, record))));
        edits.forEach((id, now) -> entries.add(entry(id, now)));
        try {
            journal.compact(entries);
        } catch (AgentException e) {
            AgentLog.warn(e.chain());
        }
    }

    @Override
    public void close() {
        journal.close();
    }
}
