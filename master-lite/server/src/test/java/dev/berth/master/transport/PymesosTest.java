package dev.berth.master.transport;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import dev.berth.http.AccessToken;
import dev.berth.http.Wire;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Requests byte by byte as pymesos 0.3.15 sends them, and of the answers what it looks at: a client whose own registry this build cannot reach. */
@Timeout(60)
class PymesosTest {
    private static final String TOKEN = "s3cret";
    private static final String CREDENTIAL = "Authorization: Basic bWU6czNjcmV0";

    private TestMaster master;

    @BeforeEach
    void open() throws Exception {
        master = new TestMaster(new AccessToken(Optional.of(TOKEN)), Limits.USUAL);
    }

    @AfterEach
    void close() {
        master.close();
        assertThat(master.failure).isNull();
    }

    /** Process.Connection: one request, written by hand, whose answer is a stream although it asks to close. */
    private Wire stream(String path, String body) throws IOException {
        Wire wire = new Wire(master.port());
        wire.send(
                "POST "
                        + path
                        + " HTTP/1.1\r\nHost: 127.0.0.1:"
                        + master.port()
                        + "\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
                        + CREDENTIAL
                        + "\r\nConnection: close\r\nContent-Length: "
                        + body.length()
                        + "\r\n\r\n"
                        + body);
        return wire;
    }

    /** Python's HTTPConnection: no Accept, no compression, the connection is kept; header values that a default argument has kept from earlier calls. */
    private static Wire.Response call(
            Wire wire, String path, String body, Optional<String> streamId) throws IOException {
        StringBuilder request = new StringBuilder("POST " + path + " HTTP/1.1\r\n");
        request.append("Host: 127.0.0.1:5050\r\nAccept-Encoding: identity\r\n");
        request.append("Content-Length: ").append(body.length());
        request.append("\r\nContent-Type: application/json\r\n");
        streamId.ifPresent(id -> request.append("Mesos-Stream-Id: ").append(id).append("\r\n"));
        request.append(CREDENTIAL).append("\r\n\r\n").append(body);
        wire.send(request.toString());
        return wire.response(true);
    }

    /** The fields at the top of an object, and of the object in one of them, as text. */
    private static Map<String, String> fields(byte[] json, String within) throws IOException {
        Map<String, String> found = new TreeMap<>();
        try (JsonParser parser = new JsonFactory().createParser(json)) {
            int depth = 0;
            String top = "";
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                if (token.isStructStart()) {
                    depth++;
                } else if (token.isStructEnd()) {
                    depth--;
                } else if (token == JsonToken.FIELD_NAME) {
                    top = depth == 1 ? parser.currentName() : top;
                    if (depth == 1) {
                        found.put(top, "");
                    }
                } else if (depth == 1) {
                    found.put(top, parser.getText());
                } else if (top.equals(within) && "value".equals(parser.currentName())) {
                    found.put(within + ".value", parser.getText());
                }
            }
        }
        return found;
    }

    @Test
    void aSchedulerSubscribesAndCallsOnAConnectionThatIsKept() throws Exception {
        try (Wire version = new Wire(master.port())) {
            version.send("GET /version HTTP/1.1\r\nHost: m\r\nAccept-Encoding: identity\r\n\r\n");
            assertThat(fields(version.response(true).body(), "").get("version"))
                    .as("it is split at the dots, and every part read as a number")
                    .matches("\\d+(\\.\\d+)+");
        }
        String subscribe =
                "{\"type\": \"SUBSCRIBE\", \"subscribe\": {\"framework_info\": {\"user\": \"root\", \"name\": \"py\","
                        + " \"checkpoint\": true, \"capabilities\": [{\"type\": \"GPU_RESOURCES\"}], \"failover_timeout\": 100}}}";
        try (Wire events = stream("/api/v1/scheduler", subscribe);
                Wire calls = new Wire(master.port())) {
            Wire.Response head = events.response(false);
            assertThat(head.status()).isEqualTo(200);
            assertThat(head.header("Transfer-Encoding")).isEqualTo("chunked");
            Optional<String> streamId = Optional.of(head.header("Mesos-Stream-Id"));
            byte[] first = events.record();
            assertThat(fields(first, ""))
                    .containsEntry("type", "SUBSCRIBED")
                    .containsKey("subscribed");
            String id = fields(first, "subscribed").get("subscribed.value");
            assertThat(fields(events.record(), "")).containsEntry("type", "HEARTBEAT");
            String framework = "\"framework_id\": {\"value\": \"" + id + "\"}";
            for (String call :
                    List.of(
                            "{\"type\": \"REVIVE\", %s}",
                            "{\"type\": \"SUPPRESS\", %s}",
                            "{\"type\": \"REVIVE\", %s, \"revive\": {\"roles\": [\"*\"]}}",
                            "{\"type\": \"DECLINE\", %s, \"decline\": {\"offer_ids\": [{\"value\": \"none\"}], \"filters\": {\"refuse_seconds\": 5}}}",
                            "{\"type\": \"KILL\", %s, \"kill\": {\"task_id\": {\"value\": \"none\"}}}",
                            "{\"type\": \"RECONCILE\", %s, \"reconcile\": {\"tasks\": []}}",
                            "{\"type\": \"ACKNOWLEDGE\", %s, \"acknowledge\": {\"agent_id\": {\"value\": \"a\"}, \"task_id\": {\"value\": \"t\"}, \"uuid\": \"MTIzNDU2Nzg5MGFiY2RlZg==\"}}",
                            "{\"type\": \"TEARDOWN\", %s}")) {
                Wire.Response answer =
                        call(calls, "/api/v1/scheduler", call.formatted(framework), streamId);
                assertThat(answer.status()).as(call + answer.text()).isEqualTo(202);
            }
        }
    }

    @Test
    void anOperatorAsksBelowThePath() throws Exception {
        try (Wire events = stream("/api/v1/operator", "{\"type\": \"SUBSCRIBE\"}");
                Wire calls = new Wire(master.port())) {
            assertThat(events.response(false).status()).isEqualTo(200);
            assertThat(fields(events.record(), ""))
                    .containsEntry("type", "SUBSCRIBED")
                    .containsKey("subscribed");
            for (String type :
                    List.of(
                            "GET_HEALTH",
                            "GET_FLAGS",
                            "GET_VERSION",
                            "GET_STATE",
                            "GET_FRAMEWORKS",
                            "GET_TASKS",
                            "GET_AGENTS",
                            "GET_ROLES",
                            "GET_WEIGHTS",
                            "GET_MASTER",
                            "GET_METRICS\", \"get_metrics\": {\"timeout\": {\"nanoseconds\": 1000000000}}, \"x\": \"y")) {
                Wire.Response answer =
                        call(
                                calls,
                                "/api/v1/operator",
                                "{\"type\": \"" + type + "\"}",
                                Optional.empty());
                assertThat(answer.status()).as(type + answer.text()).isEqualTo(200);
                assertThat(answer.header("Content-Encoding")).isNull();
                String name = type.contains("\"") ? "GET_METRICS" : type;
                assertThat(fields(answer.body(), "")).containsEntry("type", name);
            }
        }
    }
}
