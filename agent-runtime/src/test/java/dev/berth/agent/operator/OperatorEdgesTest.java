package dev.berth.agent.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.http.Gzip;
import dev.berth.http.Wire;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPInputStream;

/** The agent's API over real sockets: facts A1 to A3 row by row, and what HTTP allows and clients seldom do. */
@Timeout(120)
class OperatorEdgesTest {
    private static final String JSON = "Content-Type: application/json";
    private static final String PROTOBUF = "Content-Type: application/x-protobuf";
    private static final String HEALTH = "{\"type\":\"GET_HEALTH\"}";
    private static final String API = "/api/v1";
    private static final byte[] NOTHING = new byte[0];

    @TempDir Path directory;
    private StillAgent agent;

    @BeforeEach
    void open() throws Exception {
        agent = new StillAgent(directory, true);
        agent.server.serve(agent);
    }

    @AfterEach
    void close() {
        agent.close();
        assertThat(agent.failure).isNull();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private Wire.Response say(String method, String path, byte[] body, String... headers)
            throws IOException {
        try (Wire wire = new Wire(agent.port())) {
            return wire.exchange(method, path, List.of(headers), body);
        }
    }

    private Wire.Response get(String path) throws IOException {
        return say("GET", path, NOTHING);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "404 | GET    | /",
                "404 | GET    | /nothing",
                "404 | GET    | /slave(1)",
                "404 | GET    | /slave(1)x/health",
                "404 | GET    | /slave(2)/health",
                "404 | GET    | /files",
                "404 | GET    | /api",
                "400 | GET    | /%zz",
                "400 | GET    | /state?%zz",
                "400 | GET    | /files/read?path=%",
                "405 | GET    | /api/v1",
                "405 | HEAD   | /api/v1",
                "405 | PUT    | /slave(1)/api/v1/",
                "405 | DELETE | /api/v1/deeper",
                "405 | POST   | /state",
                "405 | PUT    | /files/read",
                "405 | BREW   | /health",
                "400 | GET    | /files/read",
                "400 | GET    | /files/browse?path=",
                "400 | GET    | /files/read?path=/frameworks/f&offset=x",
                "400 | GET    | /files/read?path=/frameworks/f&offset=-2",
                "400 | GET    | /files/read?path=/frameworks/f&length=-2",
                "400 | GET    | /files/read?path=/frameworks/f&offset=99999999999999999999",
                "200 | GET    | /health",
                "200 | GET    | /slave(1)/health/",
                "200 | GET    | /slave%281%29/version",
                "200 | GET    | http://agent:5051/version",
                "200 | GET    | /state/deeper",
                "200 | GET    | /metrics/other",
                "200 | GET    | /metrics/snapshot?timeout=10secs"
            })
    void everyTargetIsAnsweredAsTheRulesSay(int status, String method, String path)
            throws Exception {
        try (Wire wire = new Wire(agent.port())) {
            var answer = wire.exchange(method, path, List.of(), NOTHING);
            assertThat(answer.status()).as(answer.text()).isEqualTo(status);
            if (status == 405) {
                assertThat(answer.header("Allow")).isNotBlank();
            }
            if (answer.status() >= 400 && !method.equals("HEAD")) {
                assertThat(answer.header("Content-Type")).startsWith("text/plain");
                assertThat(answer.text()).isNotBlank();
            }
            assertThat(wire.exchange("GET", "/health", List.of(), NOTHING).status())
                    .as("the connection lives on")
                    .isEqualTo(200);
        }
    }

    private static final String ATTACH_OUTPUT =
            "{\"type\":\"ATTACH_CONTAINER_OUTPUT\",\"attach_container_output\":{\"container_id\":{\"value\":\"c\"}}}";
    private static final String ATTACH_INPUT =
            "{\"type\":\"ATTACH_CONTAINER_INPUT\",\"attach_container_input\":{}}";

    /** Headers are separated by semicolons; H, O and I are calls. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "400 | H |",
                "400 | H | Content-Type: application/recordio",
                "415 | H | Content-Type: text/plain",
                "415 | H | Content-Type: application/recordio; Message-Content-Type: text/plain",
                "415 | H | Content-Type: application/recordio; Message-Content-Type: application/json",
                "415 | I | Content-Type: application/json",
                "415 | H | Content-Type: application/json; Message-Content-Type: application/json",
                "415 | H | Content-Type: application/json; Content-Encoding: br",
                "415 | H | Content-Type: application/recordio; Message-Content-Type: application/json; Content-Encoding: gzip",
                "406 | H | Content-Type: application/json; Accept: text/html",
                "406 | H | Content-Type: application/json; Accept: application/json.q=0",
                "406 | H | Content-Type: application/json; Accept: */*; Message-Accept: application/json",
                "406 | H | Content-Type: application/json; Accept: application/recordio; Message-Accept: text/html",
                "406 | H | Content-Type: application/json; Accept: application/recordio",
                "406 | H | Content-Type: application/json; Accept: application/recordio; Message-Accept: application/x-protobuf",
                "501 | O | Content-Type: application/json; Accept: application/recordio; Message-Accept: application/x-protobuf",
                "501 | O | Content-Type: application/json; Accept: application/json",
                "501 | I | Content-Type: application/recordio; Message-Content-Type: application/json",
                "200 | H | Content-Type: Application/JSON.charset=utf-8",
                "200 | H | Content-Type: application/json; Content-Encoding: identity",
                "200 | H | Content-Type: application/json; Accept: text/html; Accept: application/x-protobuf"
            })
    void callsAreReadAndAnsweredInTheFormsThatHeadersName(int status, String call, String headers)
            throws Exception {
        List<String> lines = new ArrayList<>();
        if (headers != null) {
            for (String header : headers.split(";")) {
                lines.add(header.strip().replace('.', ';'));
            }
        }
        String body = call.equals("H") ? HEALTH : call.equals("O") ? ATTACH_OUTPUT : ATTACH_INPUT;
        boolean records = headers != null && headers.contains("/recordio; Message-Content");
        byte[] said = bytes(records ? body.length() + "\n" + body : body);
        try (Wire wire = new Wire(agent.port())) {
            var answer = wire.exchange("POST", API, lines, said);
            assertThat(answer.status()).as(answer.text()).isEqualTo(status);
            if (status == 501) {
                assertThat(answer.text()).contains("ATTACH_CONTAINER_");
            }
        }
    }

    @Test
    void whoWouldSendRecordsForEverIsAnsweredAfterTheFirst() throws Exception {
        for (String first :
                List.of(ATTACH_INPUT.length() + "\n" + ATTACH_INPUT, "9999999\n", "x\n")) {
            try (Wire wire = new Wire(agent.port())) {
                wire.send(
                        "POST /api/v1 HTTP/1.1\r\nHost: a\r\nContent-Type: application/recordio\r\nMessage-Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                                + Integer.toHexString(first.length())
                                + "\r\n"
                                + first
                                + "\r\n");
                assertThat(wire.response(true).status())
                        .isEqualTo(first.startsWith("x") || first.startsWith("9") ? 400 : 501);
                assertThat(wire.ended()).isTrue();
            }
        }
        try (Wire wire = new Wire(agent.port())) {
            wire.send(
                    "POST /api/v1 HTTP/1.1\r\nHost: a\r\nContent-Type: application/recordio\r\nMessage-Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
            assertThat(wire.response(true).status()).isEqualTo(400);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[[[[[[[[",
                "{\"type\":\"GET_HEALTH\"",
                "{\"type\":\"GET_HEALTH\"}}",
                "{\"type\":{}}",
                "{\"type\":1}",
                "{\"type\":null}",
                "\"GET_HEALTH\"",
                "nul",
                "{\"type\":\"LIST_FILES\",\"list_files\":{\"path\":[]}}",
                "{\"type\":\"LIST_FILES\",\"list_files\":{}}",
                "{\"type\":\"LIST_FILES\",\"list_files\":{\"path\":\"\"}}",
                "{\"type\":\"READ_FILE\",\"read_file\":{\"path\":\"/frameworks/f/x\"}}",
                "{\"type\":\"READ_FILE\",\"read_file\":{\"path\":\"/frameworks/f/x\",\"offset\":-1}}",
                "{\"type\":\"GET_METRICS\",\"get_metrics\":{\"timeout\":{\"nanoseconds\":99999999999999999999}}}"
            })
    void whatIsNoCallIs400(String body) throws Exception {
        var answer = say("POST", API, bytes(body), JSON);
        assertThat(answer.status()).as(answer.text()).isEqualTo(400);
        assertThat(answer.text()).isNotEmpty();
    }

    @Test
    void aCallWithoutATypeThatIsKnownIsTold() throws Exception {
        assertThat(say("POST", API, bytes("{\"type\":\"UNKNOWN\"}"), JSON).status()).isEqualTo(501);
        assertThat(say("POST", API, new byte[] {8, 99}, PROTOBUF).status()).isEqualTo(400);
        assertThat(say("POST", API, new byte[] {8}, PROTOBUF).status()).isEqualTo(400);
        String deep = "{\"type\":\"GET_HEALTH\",\"x\":" + "{\"a\":".repeat(100_000);
        assertThat(say("POST", API, bytes(deep), JSON).status()).isEqualTo(400);
    }

    @Test
    void withoutATokenThatIsRightNothingIsAnsweredButHealthAndVersion() throws Exception {
        agent.close();
        agent = new StillAgent(directory, false);
        agent.server.serve(agent);
        String token = Files.readString(directory.resolve("token")).strip();
        String wrong = Base64.getEncoder().encodeToString(bytes("me:wrong"));
        String bare = Base64.getEncoder().encodeToString(bytes(token));
        for (String path :
                List.of(API, "/state", "/metrics", "/files/read?path=x", "/slave(1)/state")) {
            for (List<String> headers :
                    List.of(
                            List.<String>of(),
                            List.of("Authorization: Bearer wrong"),
                            List.of("Authorization: Bearer"),
                            List.of("Authorization: Bearer "),
                            List.of("Authorization: " + token),
                            List.of("Authorization: Basic " + wrong),
                            List.of("Authorization: Basic " + bare),
                            List.of("Authorization: Basic ***"),
                            List.of("Authorization: Digest " + token))) {
                var answer = say("POST", path, NOTHING, headers.toArray(String[]::new));
                assertThat(answer.status()).as(path + headers).isEqualTo(401);
                assertThat(answer.headers().get("www-authenticate"))
                        .anyMatch(h -> h.startsWith("Basic realm=\"mesos-agent-"))
                        .anyMatch(h -> h.startsWith("Bearer realm=\"mesos-agent-"));
            }
        }
        assertThat(get("/health").status()).isEqualTo(200);
        assertThat(get("/version").text()).contains("1.11.0");
        assertThat(get("/nothing").status()).isEqualTo(404);
        String right = Base64.getEncoder().encodeToString(bytes("me:" + token));
        for (String header : List.of("Bearer " + token, "bEaReR   " + token, "Basic " + right)) {
            assertThat(say("GET", "/state", NOTHING, "Authorization: " + header).status())
                    .as(header)
                    .isEqualTo(200);
        }
    }

    @Test
    void aTokenThatOthersReadIsNoSecret() throws Exception {
        Files.writeString(directory.resolve("token"), "secret");
        Files.setPosixFilePermissions(
                directory.resolve("token"), PosixFilePermissions.fromString("rw-r--r--"));
        assertThatThrownBy(() -> new StillAgent(directory, false))
                .hasStackTraceContaining("chmod 600");
    }

    @Test
    void aFaultOfTheAgentIsAnAnswerToo() throws Exception {
        agent.faulty = true;
        try (Wire wire = new Wire(agent.port())) {
            for (String page : List.of("/metrics", "/state")) {
                assertThat(wire.exchange("GET", page, List.of(), NOTHING).status())
                        .as(page)
                        .isEqualTo(500);
            }
            assertThat(wire.exchange("GET", "/health", List.of(), NOTHING).status()).isEqualTo(200);
        }
    }

    @Test
    void anAgentThatRecoversSaysSo() throws Exception {
        agent.close();
        agent = new StillAgent(directory, true);
        for (String path : List.of("/state", "/metrics", "/files/read")) {
            assertThat(get(path).status()).as(path).isEqualTo(503);
        }
        assertThat(get(API).status()).as("before the method").isEqualTo(503);
        assertThat(get("/health").status()).isEqualTo(200);
        agent.server.serve(agent);
        assertThat(get("/state").status()).isEqualTo(200);
    }

    @Test
    void bodiesHaveALimitAndMayBeCompressed() throws Exception {
        byte[] most = bytes(HEALTH + " ".repeat((1 << 20) - HEALTH.length()));
        assertThat(say("POST", API, most, JSON).status()).isEqualTo(200);
        assertThat(say("POST", API, new byte[(1 << 20) + 1], JSON).status()).isEqualTo(413);
        assertThat(say("POST", API, new byte[30 << 20], JSON).status()).isEqualTo(413);
        try (Wire wire = new Wire(agent.port())) {
            wire.send("POST /api/v1 HTTP/1.1\r\nHost: a\r\n" + JSON);
            wire.send("\r\nTransfer-Encoding: chunked\r\n\r\n");
            for (int i = 0; i < 17; i++) {
                wire.send("10000\r\n" + " ".repeat(1 << 16) + "\r\n");
            }
            wire.send("0\r\n\r\n");
            assertThat(wire.response(true).status()).isEqualTo(413);
            assertThat(wire.exchange("GET", "/health", List.of(), NOTHING).status()).isEqualTo(200);
        }
        String gzip = "Content-Encoding: gzip";
        assertThat(say("POST", API, Gzip.compress(most), JSON, gzip).status()).isEqualTo(200);
        assertThat(say("POST", API, Gzip.compress(new byte[64 << 20]), JSON, gzip).status())
                .as("a small body that grows")
                .isEqualTo(400);
        assertThat(say("POST", API, bytes(HEALTH), JSON, gzip).status()).isEqualTo(400);
    }

    /** It need not be sent to be refused, but may. */
    @Test
    void aBodyThatIsAnnouncedTooLargeIsRefusedBeforeItComes() throws Exception {
        try (Wire wire = new Wire(agent.port())) {
            wire.send("POST /api/v1 HTTP/1.1\r\n" + JSON + "\r\nContent-Length: 9999999\r\n\r\n");
            assertThat(wire.response(true).status()).isEqualTo(413);
            wire.send(new byte[9999999]);
            assertThat(wire.ended()).isTrue();
        }
    }

    @Test
    void largeAnswersAreCompressedForWhoTakesIt() throws Exception {
        agent.exposition = "up 1\n".repeat(1000);
        String plain = get("/metrics").text();
        assertThat(plain).isEqualTo(agent.exposition);
        var packed = say("GET", "/metrics", NOTHING, "Accept-Encoding: br, gzip;q=0.5");
        assertThat(packed.header("Content-Encoding")).isEqualTo("gzip");
        assertThat(packed.body().length).isLessThan(1000);
        try (var in = new GZIPInputStream(new java.io.ByteArrayInputStream(packed.body()))) {
            assertThat(new String(in.readAllBytes(), StandardCharsets.UTF_8)).isEqualTo(plain);
        }
        assertThat(
                        say("GET", "/metrics", NOTHING, "Accept-Encoding: gzip;q=0")
                                .header("Content-Encoding"))
                .isNull();
        assertThat(
                        say("GET", "/version", NOTHING, "Accept-Encoding: gzip")
                                .header("Content-Encoding"))
                .as("not worth it")
                .isNull();
        Files.write(agent.sandbox.resolve("zeros"), new byte[1 << 20]);
        var file =
                say(
                        "POST",
                        API,
                        bytes(
                                "{\"type\":\"READ_FILE\",\"read_file\":{\"offset\":0,\"path\":\""
                                        + StillAgent.RUN
                                        + "/zeros\"}}"),
                        JSON,
                        "Accept-Encoding: *");
        assertThat(file.header("Content-Encoding")).isEqualTo("gzip");
    }

    @Test
    void pagesMayBeAskedForTheirHeadOnly() throws Exception {
        Files.writeString(agent.sandbox.resolve("a"), "12345");
        try (Wire wire = new Wire(agent.port())) {
            for (String page :
                    List.of(
                            "/state",
                            "/metrics",
                            "/health",
                            "/files/download?path=" + StillAgent.RUN + "/a")) {
                var head = wire.exchange("HEAD", page, List.of(), NOTHING);
                var whole = wire.exchange("GET", page, List.of(), NOTHING);
                assertThat(head.status()).as(page).isEqualTo(200);
                assertThat(head.header("Content-Length")).isEqualTo(whole.header("Content-Length"));
            }
        }
    }

    @Test
    void aClientThatAsksBeforeItSendsIsToldToGoOnOrNotTo() throws Exception {
        String head = "POST /api/v1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n";
        try (Wire wire = new Wire(agent.port())) {
            wire.send(head + JSON + "\r\nContent-Length: 21\r\n\r\n");
            assertThat(wire.response(false).status()).isEqualTo(100);
            wire.send(HEALTH);
            assertThat(wire.response(true).status()).isEqualTo(200);
            wire.send(head + JSON + "\r\nContent-Length: 9999999\r\n\r\n");
            assertThat(wire.response(true).status()).isEqualTo(413);
            assertThat(wire.ended()).isTrue();
        }
        try (Wire wire = new Wire(agent.port())) {
            wire.send(head + "Content-Type: text/plain\r\nContent-Length: 21\r\n\r\n");
            assertThat(wire.response(true).status()).isEqualTo(415);
        }
        try (Wire wire = new Wire(agent.port())) {
            wire.send(
                    head
                            + "Content-Type: application/recordio\r\nMessage-Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
            assertThat(wire.response(false).status()).isEqualTo(100);
        }
    }

    @Test
    void pipelinedRequestsAreAnsweredInTheirOrder() throws Exception {
        Files.writeString(agent.sandbox.resolve("a"), "12345");
        List<String> kinds =
                List.of(
                        "POST /api/v1 HTTP/1.1\r\nHost: a\r\n"
                                + JSON
                                + "\r\nContent-Length: 21\r\n\r\n"
                                + HEALTH,
                        "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n",
                        "PUT /api/v1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                        "GET /files/read?path=" + StillAgent.RUN + "/a HTTP/1.1\r\nHost: a\r\n\r\n",
                        "GET /files/browse?path=/frameworks/none HTTP/1.1\r\nHost: a\r\n\r\n");
        List<Integer> statuses = List.of(200, 404, 405, 200, 404);
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < 120; i++) {
            order.add(i % kinds.size());
        }
        Collections.shuffle(order, new Random(7));
        StringBuilder all = new StringBuilder();
        order.forEach(kind -> all.append(kinds.get(kind)));
        try (Wire wire = new Wire(agent.port())) {
            wire.send(all.toString());
            wire.socket.shutdownOutput();
            for (int kind : order) {
                assertThat(wire.response(true).status()).isEqualTo(statuses.get(kind));
            }
            assertThat(wire.ended()).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\r\n\r\nGARBAGE\r\n\r\n",
                "POST /api/v1 HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                "POST /api/v1 HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                "POST /api/v1 HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{}",
                "GET /health HTTP/1.1\r\nHost: a\r\nA: LONG\r\n\r\n",
                "GET /LONG HTTP/1.1\r\n\r\n",
                "POST /api/v1 HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                "POST /api/v1 HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n",
                "POST /api/v1 HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
                "POST /api/v1 HTTP/1.1\r\nContent-Type: application/recordio\r\nMessage-Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
            })
    void brokenHttpEndsOnlyItsConnection(String broken) throws Exception {
        try (Wire wire = new Wire(agent.port())) {
            wire.send(broken.replace("LONG", "x".repeat(100_000)));
            assertThat(wire.response(true).status()).isEqualTo(400);
            assertThat(wire.ended()).isTrue();
        }
        assertThat(get("/health").status()).isEqualTo(200);
    }

    @Test
    void connectionsAreSoManyAndNoMore() throws Exception {
        List<Wire> open = new ArrayList<>();
        try {
            for (int i = 0; i < OperatorServer.MOST_CONNECTIONS; i++) {
                open.add(new Wire(agent.port()));
            }
            // The kernel hands them over in their order.
            try (Wire more = new Wire(agent.port())) {
                assertThat(more.ended()).isTrue();
            }
            var first = open.getFirst().exchange("GET", "/health", List.of(), NOTHING);
            assertThat(first.status()).isEqualTo(200);
        } finally {
            for (Wire wire : open) {
                wire.close();
            }
        }
        long end = System.nanoTime() + 20_000_000_000L;
        while (agent.server.connections() > 0 && System.nanoTime() < end) {
            Thread.onSpinWait();
        }
        assertThat(get("/health").status()).isEqualTo(200);
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    @Test
    void pathsLeadNowhereElse() throws Exception {
        Files.writeString(directory.resolve("token"), "secret");
        Files.writeString(agent.sandbox.resolve("a;b c+é"), "inside");
        String run = StillAgent.RUN;
        List<String> tricks =
                List.of(
                        "/etc/passwd",
                        "..",
                        "../../token",
                        "/frameworks/../../token",
                        "/frameworks/f/../../../token",
                        run + "/../../../../../../token",
                        run + "/../../../../../../../../../../etc/passwd",
                        directory + "/token",
                        directory + "/sandboxes/../token",
                        directory + "/sandboxes",
                        directory + "/sandboxesframeworks/f/x",
                        "//frameworks//..//token",
                        "frameworks",
                        "/frameworks/f\0/../x",
                        run + "/a\0.txt",
                        run + "/" + "x".repeat(300),
                        run + "/x".repeat(3000),
                        run + "/none",
                        run + "/a;b c+é/below",
                        "C:\\",
                        run.replace("/", "\\"));
        for (String trick : tricks) {
            for (String page :
                    List.of(
                            "/files/read?offset=0&path=",
                            "/files/browse?path=",
                            "/files/download?path=")) {
                var answer = get(page + encoded(trick));
                assertThat(answer.status()).as(page + trick + ": " + answer.text()).isEqualTo(404);
            }
        }
        String dots =
                "/files/read?offset=0&path=" + run + "/%2e%2e/%2E%2E/r/..%2f../../../../token";
        assertThat(get(dots).status()).isEqualTo(404);
        // What is there is read, however strange its name and the way to it.
        for (String way :
                List.of(
                        run + "/a;b c+é",
                        directory + "/sandboxes" + run + "/a;b c+é",
                        "/frameworks/./f/x/../executors/e/runs/latest/a;b c+é",
                        run.substring(1) + "///a;b c+é")) {
            assertThat(get("/files/read?offset=0&path=" + encoded(way)).text())
                    .as(way)
                    .isEqualTo("{\"offset\":0,\"data\":\"inside\"}");
        }
        assertThat(get("/files/read?path=" + run + "/%FF%FE").status()).isEqualTo(404);
        assertThat(get("/files/read?path=" + encoded(run)).status()).as("no file").isEqualTo(400);
        assertThat(get("/files/browse?path=" + encoded(run + "/a;b c+é")).status()).isEqualTo(404);
    }

    @Test
    void linksLeadNowhereButBeneathTheirRun() throws Exception {
        Files.writeString(directory.resolve("token"), "secret");
        Path other = Files.createDirectories(agent.sandbox.resolveSibling("other"));
        Files.writeString(other.resolve("file"), "of another");
        Files.writeString(agent.sandbox.resolve("file"), "inside");
        String[][] links = {
            {"abs", directory.resolve("token").toString()},
            {"rel", "../../../../../../../token"},
            {"up", ".."},
            {"root", "/"},
            {"magic", "/proc/self/cwd"},
            {"loop", "loop"},
            {"sideways", "../other/file"},
            {"good", "./file"}
        };
        for (String[] link : links) {
            Files.createSymbolicLink(agent.sandbox.resolve(link[0]), Path.of(link[1]));
            String path = StillAgent.RUN + "/" + link[0];
            int status = link[0].equals("good") ? 200 : 404;
            assertThat(get("/files/read?offset=0&path=" + path).status())
                    .as(link[0])
                    .isEqualTo(status);
            assertThat(get("/files/browse?path=" + path).status()).as(link[0]).isEqualTo(404);
        }
        assertThat(get("/files/read?offset=0&path=" + StillAgent.RUN + "/up/other/file").status())
                .isEqualTo(404);
    }

    @Test
    void aDirectoryThatATaskHasFilledIsNotListed() throws Exception {
        Path full = Files.createDirectory(agent.sandbox.resolve("full"));
        for (int i = 0; i < SandboxFiles.MOST_ENTRIES + 1; i++) {
            Files.createFile(full.resolve(String.valueOf(i)));
        }
        String path = "/files/browse?path=" + StillAgent.RUN + "/full";
        assertThat(get(path).text()).contains("more than");
        Files.delete(full.resolve("0"));
        assertThat(get(path).status()).isEqualTo(200);
    }

    @Test
    void piecesAreWhatIsAskedForAndThere() throws Exception {
        Files.writeString(agent.sandbox.resolve("a"), "12345");
        String page = "/files/read?path=" + StillAgent.RUN + "/a";
        assertThat(get(page).text()).isEqualTo("{\"offset\":5,\"data\":\"\"}");
        assertThat(get(page + "&offset=-1").text()).isEqualTo("{\"offset\":5,\"data\":\"\"}");
        assertThat(get(page + "&offset=1&length=2").text())
                .isEqualTo("{\"offset\":1,\"data\":\"23\"}");
        assertThat(get(page + "&offset=4&length=-1").text())
                .isEqualTo("{\"offset\":4,\"data\":\"5\"}");
        assertThat(get(page + "&offset=9223372036854775807&length=9223372036854775807").text())
                .isEqualTo("{\"offset\":9223372036854775807,\"data\":\"\"}");
        for (String number : List.of("18446744073709551615", "9223372036854775808", "5")) {
            var answer =
                    say(
                            "POST",
                            API,
                            bytes(
                                    "{\"type\":\"READ_FILE\",\"read_file\":{\"offset\":"
                                            + number
                                            + ",\"length\":18446744073709551615,\"path\":\""
                                            + StillAgent.RUN
                                            + "/a\"}}"),
                            JSON);
            assertThat(answer.text())
                    .isEqualTo("{\"type\":\"READ_FILE\",\"read_file\":{\"size\":5,\"data\":\"\"}}");
        }
        var whole =
                say(
                        "POST",
                        API,
                        bytes(
                                "{\"type\":\"READ_FILE\",\"read_file\":{\"offset\":0,\"length\":18446744073709551615,\"path\":\""
                                        + StillAgent.RUN
                                        + "/a\"}}"),
                        JSON);
        assertThat(whole.text()).contains("\"MTIzNDU=\"");
    }
}
