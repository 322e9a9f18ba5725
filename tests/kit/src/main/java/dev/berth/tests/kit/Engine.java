package dev.berth.tests.kit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** The Engine API in the few words that tests need; a connection for each call, so it may be shared and survives agents. */
public final class Engine {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String API = "/v1.47";

    private final Path socket;

    public Engine(Path socket) {
        this.socket = socket;
    }

    /** What a finished container left. */
    public record Result(int code, String stdout, String stderr, JsonNode inspect) {}

    /** One call; {@code body} is JSON text or something that Jackson writes. An answer without a body is a JSON null. */
    public JsonNode call(String method, String path, Object body) throws IOException {
        try (EngineSocket connection = new EngineSocket(socket)) {
            String text =
                    connection.call(
                            method,
                            API + path,
                            body instanceof String s ? s : JSON.writeValueAsString(body));
            return text.isBlank() ? JSON.nullNode() : JSON.readTree(text);
        }
    }

    /** A create request for a command in a root directory of the host, without network. */
    public static ObjectNode command(Path rootfs, String... argv) {
        ObjectNode request = JSON.createObjectNode();
        request.put("Image", "");
        request.set("Cmd", JSON.valueToTree(List.of(argv)));
        request.putObject("HostConfig").put("NetworkMode", "none");
        request.putObject("Berth").put("Rootfs", rootfs.toString());
        return request;
    }

    public String create(ObjectNode request) throws IOException {
        return call("POST", "/containers/create", request).get("Id").textValue();
    }

    public void start(String id) throws IOException {
        call("POST", "/containers/" + id + "/start", "");
    }

    /** Waits until it does not run: its exit code. */
    public int await(String id) throws IOException {
        return call("POST", "/containers/" + id + "/wait?condition=not-running", "")
                .get("StatusCode")
                .intValue();
    }

    public JsonNode inspect(String id) throws IOException {
        return call("GET", "/containers/" + id + "/json", "");
    }

    public void remove(String id) throws IOException {
        call("DELETE", "/containers/" + id + "?force=true", "");
    }

    /** Removes all containers, also those that run. */
    public void removeAll() throws IOException {
        for (JsonNode each : call("GET", "/containers/json?all=true", "")) {
            remove(each.get("Id").textValue());
        }
    }

    /** Everything that the container wrote to one stream (1 standard output, 2 standard error). */
    public String output(String id, int stream) throws IOException {
        byte[] framed;
        try (EngineSocket connection = new EngineSocket(socket)) {
            connection.send(
                    "GET",
                    API
                            + "/containers/"
                            + id
                            + "/logs?stdout="
                            + (stream == 1)
                            + "&stderr="
                            + (stream == 2),
                    "");
            framed = connection.receiveBytes();
        }
        return unframed(framed);
    }

    private static String unframed(byte[] framed) throws IOException {
        ByteBuffer frames = ByteBuffer.wrap(framed);
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        while (frames.remaining() >= 8) {
            frames.getInt();
            byte[] payload = new byte[frames.getInt()];
            frames.get(payload);
            text.write(payload);
        }
        return text.toString(StandardCharsets.UTF_8);
    }

    /** Runs a further process in a container to its end: what it printed on both streams. */
    public String exec(String id, String... argv) throws IOException {
        ObjectNode request = JSON.createObjectNode();
        request.put("AttachStdout", true).put("AttachStderr", true);
        request.set("Cmd", JSON.valueToTree(List.of(argv)));
        String exec = call("POST", "/containers/" + id + "/exec", request).get("Id").textValue();
        try (EngineSocket connection = new EngineSocket(socket)) {
            connection.send("POST", API + "/exec/" + exec + "/start", "{}");
            return unframed(connection.receiveToEnd());
        }
    }

    /** Create, start, wait, logs, inspect, remove. */
    public Result run(ObjectNode request) throws IOException {
        String id = create(request);
        try {
            start(id);
            int code = await(id);
            return new Result(code, output(id, 1), output(id, 2), inspect(id));
        } finally {
            remove(id);
        }
    }
}
