package dev.berth.master.transport;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.http.AccessToken;
import dev.berth.http.Wire;
import dev.berth.protocol.RecordIo;
import dev.berth.protocol.v1.master.Protos.Response;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** What HTTP allows and clients seldom do. */
@Timeout(120)
class HttpEdgesTest {
    private static final String JSON = "Content-Type: application/json";
    private static final String HEALTH = "{\"type\":\"GET_HEALTH\"}";
    private static final String API = "/api/v1";

    private TestMaster master;

    @BeforeEach
    void open() throws Exception {
        master = new TestMaster(AccessToken.ANONYMOUS, Limits.USUAL);
    }

    @AfterEach
    void close() {
        master.close();
        assertThat(master.failure).isNull();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** A hundred requests in one piece (Netty takes 128): of the core, refused at once, with a body, one after the other. */
    @Test
    void pipelinedRequestsAreAnsweredInTheirOrder() throws Exception {
        List<String> kinds =
                List.of(
                        "POST /api/v1 HTTP/1.1\r\nHost: m\r\n"
                                + JSON
                                + "\r\nContent-Length: 21\r\n\r\n"
                                + HEALTH,
                        "GET /nothing HTTP/1.1\r\nHost: m\r\n\r\n",
                        "PUT /api/v1 HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                        "GET /version HTTP/1.1\r\nHost: m\r\n\r\n");
        List<Integer> statuses = List.of(200, 404, 405, 200);
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < 120; i++) {
            order.add(i % 4);
        }
        Collections.shuffle(order, new java.util.Random(7));
        StringBuilder all = new StringBuilder();
        order.forEach(kind -> all.append(kinds.get(kind)));
        try (Wire wire = new Wire(master.port())) {
            Thread.ofVirtual()
                    .start(() -> {
                        try {
                            wire.send(all.toString());
                        } catch (java.io.IOException _) {
                            // The answers that are missing tell it.
                        }
                    });
            for (int kind : order) {
                assertThat(wire.response(true).status()).isEqualTo(statuses.get(kind));
            }
        }
    }

    @Test
    void aLargeBodyMayFollowARequestThatIsStillBeingAnswered() throws Exception {
        String large = HEALTH + " ".repeat(20 << 20);
        try (Wire wire = new Wire(master.port())) {
            wire.send(
                    "POST /api/v1 HTTP/1.1\r\nHost: m\r\n"
                            + JSON
                            + "\r\nContent-Length: 21\r\n\r\n"
                            + HEALTH
                            + "POST /api/v1 HTTP/1.1\r\nHost: m\r\n"
                            + JSON
                            + "\r\nContent-Length: "
                            + large.length()
                            + "\r\n\r\n"
                            + large);
            assertThat(wire.response(true).status()).isEqualTo(200);
            assertThat(wire.response(true).status()).isEqualTo(200);
        }
    }

    @Test
    void whoHasEndedItsHalfIsAnsweredStill() throws Exception {
        try (Wire wire = new Wire(master.port())) {
            wire.request("POST", API, List.of(JSON), bytes(HEALTH));
            wire.request("GET", "/state", List.of(), new byte[0]);
            wire.socket.shutdownOutput();
            assertThat(wire.response(true).status()).isEqualTo(200);
            assertThat(wire.response(true).text()).contains("\"leader\"");
            assertThat(wire.ended()).isTrue();
        }
    }

    @Test
    void whoIsRefusedWhileItSpeaksHearsWhy() throws Exception {
        for (int i = 0; i < 20; i++) {
            try (Wire wire = new Wire(master.port())) {
                // More than the limit, and the end is not in sight.
                wire.send(
                        "POST /api/v1 HTTP/1.1\r\nHost: m\r\n"
                                + JSON
                                + "\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
                                + "x".repeat(1 << 20));
                assertThat(wire.response(true).status()).isEqualTo(400);
                assertThat(wire.ended()).isTrue();
            }
        }
    }

    @Test
    void aClientThatAsksBeforeItSendsIsToldToGoOn() throws Exception {
        try (Wire wire = new Wire(master.port())) {
            wire.send(
                    "POST /api/v1 HTTP/1.1\r\nHost: m\r\n"
                            + JSON
                            + "\r\nExpect: 100-continue\r\nContent-Length: 21\r\n\r\n");
            assertThat(wire.response(false).status()).isEqualTo(100);
            wire.send(HEALTH);
            assertThat(wire.response(true).status()).isEqualTo(200);
            wire.send(
                    "POST /api/v1 HTTP/1.1\r\nHost: m\r\nContent-Type: text/plain\r\nExpect: 100-continue\r\nContent-Length: 21\r\n\r\n");
            assertThat(wire.response(true).status()).as("refused unsent").isEqualTo(415);
        }
    }

    @Test
    void aBodyMayComeInPiecesWithNamesAndTrailers() throws Exception {
        try (Wire wire = new Wire(master.port())) {
            wire.send(
                    "POST /api/v1 HTTP/1.1\r\nHost: m\r\n"
                            + JSON
                            + "\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n");
            for (char c : HEALTH.toCharArray()) {
                wire.send("001;name=value\r\n" + c + "\r\n");
            }
            wire.send("0\r\nX-Sum: 7\r\n\r\n");
            assertThat(wire.response(true).status()).isEqualTo(200);
        }
    }

    @Test
    void acceptMayStandOnSeveralLines() throws Exception {
        try (Wire wire = new Wire(master.port())) {
            var answer =
                    wire.exchange(
                            "POST",
                            API,
                            List.of(JSON, "Accept: text/html", "Accept: application/x-protobuf"),
                            bytes(HEALTH));
            assertThat(answer.status()).isEqualTo(200);
            assertThat(Response.parseFrom(answer.body()).getGetHealth().getHealthy()).isTrue();
        }
    }

    @Test
    void pagesMayBeAskedForTheirHeadOnly() throws Exception {
        try (Wire wire = new Wire(master.port())) {
            for (String page : List.of("/state", "/metrics", "/version", "/health")) {
                var head = wire.exchange("HEAD", page, List.of(), new byte[0]);
                assertThat(head.status()).as(page).isEqualTo(200);
            }
            assertThat(wire.exchange("OPTIONS", API, List.of(), new byte[0]).status())
                    .isEqualTo(405);
            assertThat(wire.exchange("HEAD", API, List.of(), new byte[0]).header("Allow"))
                    .isEqualTo("POST");
        }
    }

    @Test
    void streamsAreNeverCompressed() throws Exception {
        try (Wire wire = new Wire(master.port())) {
            wire.request(
                    "POST",
                    API,
                    List.of(JSON, "Accept-Encoding: gzip"),
                    bytes("{\"type\":\"SUBSCRIBE\"}"));
            var head = wire.response(false);
            assertThat(head.header("Content-Encoding")).isNull();
            assertThat(new String(wire.record(), StandardCharsets.UTF_8)).contains("SUBSCRIBED");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[[[[[[[[",
                "{\"type\":\"GET_HEALTH\"",
                "{\"type\":\"GET_HEALTH\"}}",
                "{\"type\":{}}",
                "{\"type\":[\"GET_HEALTH\",\"GET_STATE\",{}]}",
                "{\"type\":\"NO_SUCH_CALL\"}",
                "{\"type\":1}",
                "{\"type\":null}",
                "\"GET_HEALTH\"",
                "nul",
                "{\"type\":\"LIST_FILES\",\"list_files\":{\"path\":[]}}",
                "{\"type\":\"LIST_FILES\",\"list_files\":{}}",
                "{\"type\":\"MARK_AGENT_GONE\",\"mark_agent_gone\":{\"agent_id\":{\"value\":{}}}}",
                "{\"type\":\"GET_METRICS\",\"get_metrics\":{\"timeout\":{\"nanoseconds\":99999999999999999999}}}"
            })
    void whatIsNoCallIs400(String body) throws Exception {
        try (Wire wire = new Wire(master.port())) {
            var answer = wire.exchange("POST", API, List.of(JSON), bytes(body));
            assertThat(answer.status()).as(answer.text()).isEqualTo(400);
            assertThat(answer.text()).isNotEmpty();
        }
    }

    @Test
    void deepNestingIs400InBothEncodings() throws Exception {
        StringBuilder json = new StringBuilder("{\"type\":\"GET_HEALTH\",\"x\":");
        json.append("{\"a\":".repeat(100_000)).append("1").append("}".repeat(100_001));
        // ContainerID holds a ContainerID; in one field of a scheduler's call, far below.
        byte[] nested = new byte[0];
        for (int i = 0; i < 3000; i++) {
            java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();
            out.write(0x12);
            int size = nested.length;
            while (size > 0x7f) {
                out.write(size & 0x7f | 0x80);
                size >>>= 7;
            }
            out.write(size);
            out.writeBytes(nested);
            nested = out.toByteArray();
        }
        try (Wire wire = new Wire(master.port())) {
            assertThat(wire.exchange("POST", API, List.of(JSON), bytes(json.toString())).status())
                    .isEqualTo(400);
            assertThat(
                            wire.exchange(
                                            "POST",
                                            API,
                                            List.of("Content-Type: application/x-protobuf"),
                                            nested)
                                    .status())
                    .isEqualTo(400);
        }
    }

    /** Thousands of links that only announce a record of the greatest length would take all memory, were it theirs at once. */
    @Test
    void whatIsOnlyAnnouncedTakesNoMemory() throws Exception {
        RecordIo[] readers = new RecordIo[5000];
        for (int i = 0; i < readers.length; i++) {
            readers[i] = new RecordIo(Limits.USUAL.recordBytes());
            readers[i].read(java.nio.ByteBuffer.wrap(bytes("67108864\nx")), _ -> {});
            assertThat(readers[i].isComplete()).isFalse();
        }
    }
}
