package dev.berth.master.registry;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import dev.berth.master.cluster.AgentRecord;
import dev.berth.master.ids.AgentId;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/** What our nodes in ZooKeeper hold: JSON, for people who look with zkCli. Unknown fields are passed over. */
final class RecordJson {
    private static final JsonFactory JSON = new JsonFactory();

    private RecordJson() {}

    static byte[] write(AgentRecord agent) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(out)) {
            json.writeStartObject();
            json.writeStringField("standing", agent.standing().name());
            json.writeStringField("hostname", agent.hostname());
            json.writeNumberField("since_ns", agent.sinceNs());
            json.writeBinaryField("info", agent.info());
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException("memory does not fail", e);
        }
        return out.toByteArray();
    }

    /** @param node where it is, for whoever has to repair it */
    static AgentRecord agent(String id, String node, byte @Nullable [] bytes) throws IOException {
        String standing = "";
        String hostname = "";
        long sinceNs = 0;
        byte[] info = new byte[0];
        try (JsonParser json = parser(bytes)) {
            expect(json.nextToken(), JsonToken.START_OBJECT);
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                json.nextToken();
                switch (name) {
                    case "standing" -> standing = json.getText();
                    case "hostname" -> hostname = json.getText();
                    case "since_ns" -> sinceNs = json.getLongValue();
                    case "info" -> info = json.getBinaryValue();
                    default -> json.skipChildren();
                }
            }
            return new AgentRecord(
                    new AgentId(id),
                    AgentRecord.Standing.valueOf(standing),
                    hostname,
                    sinceNs,
                    info);
        } catch (IOException | IllegalArgumentException e) {
            throw new IOException(
                    "the record of agent "
                            + id
                            + " is damaged ("
                            + firstLine(e)
                            + "): no master can lead until it is removed, as with zkCli's 'delete "
                            + node
                            + "'; the agent then registers again, with its tasks",
                    e);
        }
    }

    private static JsonParser parser(byte @Nullable [] bytes) throws IOException {
        return JSON.createParser(bytes == null ? new byte[0] : bytes);
    }

    private static String firstLine(Exception e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    }

    private static void expect(JsonToken found, JsonToken expected) throws IOException {
        if (found != expected) {
            throw new IOException("expected " + expected + ", found " + found);
        }
    }

    static byte[] weights(Map<String, Double> weights) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(out)) {
            json.writeStartObject();
            for (Map.Entry<String, Double> weight : new TreeMap<>(weights).entrySet()) {
                json.writeNumberField(weight.getKey(), weight.getValue());
            }
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException("memory does not fail", e);
        }
        return out.toByteArray();
    }

    /** @param node where they are, for whoever has to repair them */
    static Map<String, Double> weights(String node, byte @Nullable [] bytes) throws IOException {
        Map<String, Double> weights = new HashMap<>();
        if (bytes == null || bytes.length == 0) {
            return weights;
        }
        try (JsonParser json = parser(bytes)) {
            expect(json.nextToken(), JsonToken.START_OBJECT);
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String role = json.currentName();
                json.nextToken();
                double weight = json.getDoubleValue();
                if (!(weight > 0) || Double.isInfinite(weight)) {
                    throw new IOException("the weight of role " + role + " is " + weight);
                }
                weights.put(role, weight);
            }
        } catch (IOException e) {
            throw new IOException(
                    "the weights of roles are damaged ("
                            + firstLine(e)
                            + "): no master can lead until they are set, as with zkCli's 'set "
                            + node
                            + " {}', which forgets them",
                    e);
        }
        return weights;
    }
}
