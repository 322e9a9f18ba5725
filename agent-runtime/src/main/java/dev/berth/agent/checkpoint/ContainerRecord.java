package dev.berth.agent.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.ContainerSpec;
import dev.berth.agent.config.Fields;
import dev.berth.agent.config.SpecTranslation.Identity;
import dev.berth.isolator.ContainerId;

import java.util.ArrayList;
import java.util.List;

/**
 * The durable part of a container.
 *
 * @param createdNs realtime
 * @param identity whom its process runs as, looked up inside the root once
 */
public record ContainerRecord(
        ContainerId id, String name, long createdNs, ContainerSpec spec, Identity identity) {
    private static final int VERSION = 1;

    ObjectNode toJson() {
        ObjectNode out = JsonNodeFactory.instance.objectNode();
        out.put("version", VERSION);
        out.put("id", id.value());
        out.put("name", name);
        out.put("createdNs", createdNs);
        out.set("spec", spec.toJson());
        ObjectNode who = out.putObject("identity");
        who.put("uid", identity.uid()).put("gid", identity.gid()).put("home", identity.home());
        var groups = who.putArray("groups");
        identity.groups().forEach(groups::add);
        return out;
    }

    static ContainerRecord fromJson(JsonNode json) throws AgentException {
        Fields fields = new Fields(json, "checkpoint");
        if (fields.number("version") != VERSION) {
            throw AgentException.invalid(
                    "checkpoint has version " + json.path("version") + ", this agent reads 1");
        }
        Fields who = fields.object("identity");
        List<Integer> groups = new ArrayList<>();
        who.node().path("groups").forEach(group -> groups.add(group.asInt()));
        return new ContainerRecord(
                new ContainerId(fields.text("id")),
                fields.text("name"),
                fields.number("createdNs"),
                ContainerSpec.fromJson(json.path("spec")),
                new Identity(
                        (int) who.number("uid"),
                        (int) who.number("gid"),
                        List.copyOf(groups),
                        who.text("home")));
    }
}
