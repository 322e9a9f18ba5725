package dev.berth.master.registry;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import dev.berth.master.cluster.AgentRecord;
import dev.berth.master.ids.AgentId;

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

    static AgentRecord agent(String id, byte[] bytes) throws IOException {
        String standing = "";
        String hostname = "";
        long sinceNs = 0;
        byte[] info = new byte[0];
        try (JsonParser json = JSON.createParser(bytes)) {
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
                    "the record of agent " + id + " is damaged: " + e.getMessage(), e);
        }
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

    static Map<String, Double> weights(byte[] bytes) throws IOException {
        Map<String, Double> weights = new HashMap<>();
        if (bytes.length == 0) {
            return weights;
        }
        try (JsonParser json = JSON.createParser(bytes)) {
            expect(json.nextToken(), JsonToken.START_OBJECT);
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String role = json.currentName();
                json.nextToken();
                weights.put(role, json.getDoubleValue());
            }
        } catch (IOException e) {
            throw new IOException("the weights are damaged: " + e.getMessage(), e);
        }
        return weights;
    }
}
