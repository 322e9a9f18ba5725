package dev.berth.master.transport;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.discovery.MasterAddress;
import dev.berth.http.AccessToken;
import dev.berth.http.Gzip;
import dev.berth.http.Wire;
import dev.berth.master.transport.MasterGate.Standing;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;

/** Every refused or malformed request, over a real socket, against facts A1 to A3. */
@Timeout(120)
class StatusCodesTest {
    private static final String TOKEN = "s3cret";
    private static final String JSON = "Content-Type: application/json";
    private static final String PROTOBUF = "Content-Type: application/x-protobuf";
    private static final String HEALTH = "{\"type\":\"GET_HEALTH\"}";
    private static final String SUBSCRIBE =
            "{\"type\":\"SUBSCRIBE\",\"subscribe\":{\"framework_info\":{\"user\":\"u\",\"name\":\"n\"}}}";
    private static final String API = "/api/v1";
    private static final String SCHEDULER = "/api/v1/scheduler";

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

    private record Case(
            String name,
            int status,
            String method,
            String path,
            List<String> headers,
            String body) {}

    private static Case bad(int status, String path, String body, String... headers) {
        return new Case(
                status + " " + path + " " + List.of(headers) + " " + body,
                status,
                "POST",
                path,
                List.of(headers),
                body);
    }

    private static Case method(int status, String method, String path) {
        return new Case(status + " " + method + " " + path, status, method, path, List.of(), "");
    }

    private static final List<Case> CASES =
            List.of(
                    method(404, "GET", "/"),
                    method(404, "GET", "/nothing"),
                    method(404, "GET", "/redirect/below"),
                    method(405, "GET", API),
                    method(405, "PUT", SCHEDULER),
                    method(405, "DELETE", "/master/api/v1/scheduler"),
                    method(405, "GET", "/berth/v1/link"),
                    method(405, "POST", "/state"),
                    method(405, "POST", "/health"),
                    bad(400, API, HEALTH),
                    bad(415, API, HEALTH, "Content-Type: text/plain"),
                    bad(415, SCHEDULER, HEALTH, "Content-Type: application/recordio"),
                    bad(415, API, HEALTH, JSON, "Content-Encoding: br"),
                    bad(415, "/berth/v1/link", "", JSON),
                    bad(400, API, "", JSON),
                    bad(400, API, "{", JSON),
                    bad(400, API, "[]", JSON),
                    bad(400, API, "{}", JSON),
                    bad(400, API, "\u0000\u0001", PROTOBUF),
                    bad(400, SCHEDULER, "nonsense", PROTOBUF),
                    bad(400, API, HEALTH, JSON, "Content-Encoding: gzip"),
                    bad(400, SCHEDULER, "{\"type\":\"SUBSCRIBE\"}", JSON),
                    bad(400, SCHEDULER, "{\"type\":\"SUBSCRIBE\",\"subscribe\":{}}", JSON),
                    bad(400, SCHEDULER, "{\"type\":\"SUBSCRIBE\"}", JSON, "Accept: text/html"),
                    bad(406, SCHEDULER, SUBSCRIBE, JSON, "Accept: text/html"),
                    bad(406, SCHEDULER, SUBSCRIBE, JSON, "Accept: text/html", "Mesos-Stream-Id: x"),
                    bad(400, SCHEDULER, SUBSCRIBE, JSON, "Mesos-Stream-Id: x"),
                    bad(
                            400,
                            SCHEDULER,
                            SUBSCRIBE.replace(
                                    "{\"type\"", "{\"framework_id\":{\"value\":\"x\"},\"type\""),
                            JSON),
                    bad(406, API, HEALTH, JSON, "Accept: text/html"),
                    bad(406, API, HEALTH, JSON, "Accept: application/json;q=0"),
                    bad(400, SCHEDULER, "{\"type\":\"TEARDOWN\"}", JSON),
                    bad(
                            400,
                            SCHEDULER,
                            "{\"type\":\"TEARDOWN\",\"framework_id\":{\"value\":\"none\"}}",
                            JSON),
                    bad(
                            400,
                            SCHEDULER,
                            "{\"type\":\"ACCEPT\",\"framework_id\":{\"value\":\"none\"}}",
                            JSON),
                    bad(400, SCHEDULER, "{\"type\":5,\"framework_id\":{\"value\":\"none\"}}", JSON),
                    bad(200, API, HEALTH, JSON),
                    bad(200, "/master/api/v1/", HEALTH, JSON),
                    bad(
                            200,
                            "/api/v1/operator",
                            HEALTH,
                            "Content-Type: Application/JSON; charset=utf-8"),
                    bad(200, API, "\u0008\u0001", PROTOBUF, "Accept: application/x-protobuf"));

    @TestFactory
    Stream<DynamicTest> everyCallIsAnsweredAsTheTablesSay() {
        // One connection for all: an error must not end it.
        return CASES.stream()
                .map(c ->
                        DynamicTest.dynamicTest(
                                c.name(),
                                () -> {
                                    try (Wire wire = new Wire(master.port())) {
                                        List<String> headers =
                                                new java.util.ArrayList<>(c.headers());
                                        headers.add("Authorization: Bearer " + TOKEN);
                                        var response =
                                                wire.exchange(
                                                        c.method(),
                                                        c.path(),
                                                        headers,
                                                        c.body().getBytes(StandardCharsets.UTF_8));
                                        assertThat(response.status())
                                                .as(response.text())
                                                .isEqualTo(c.status());
                                        if (c.status() == 405) {
                                            assertThat(response.header("Allow")).isNotBlank();
                                        }
                                        if (c.status() >= 400 && response.body().length > 0) {
                                            assertThat(response.header("Content-Type"))
                                                    .startsWith("text/plain");
                                        }
                                        assertThat(
                                                        wire.exchange(
                                                                        "GET",
                                                                        "/health",
                                                                        List.of(),
                                                                        new byte[0])
                                                                .status())
                                                .as("the connection lives on")
                                                .isEqualTo(200);
                                    }
                                }));
    }

    @Test
    void withoutTheTokenNothingIsAnsweredButHealth() throws Exception {
        String wrong =
                Base64.getEncoder().encodeToString("me:wrong".getBytes(StandardCharsets.UTF_8));
        String right =
                Base64.getEncoder()
                        .encodeToString(("me:" + TOKEN).getBytes(StandardCharsets.UTF_8));
        try (Wire wire = new Wire(master.port())) {
            for (String path :
                    List.of(
                            API,
                            SCHEDULER,
                            "/berth/v1/link",
                            "/state",
                            "/metrics",
                            "/metrics/snapshot")) {
                for (List<String> headers :
                        List.of(
                                List.<String>of(),
                                List.of("Authorization: Bearer wrong"),
                                List.of("Authorization: Bearer"),
                                List.of("Authorization: Basic " + wrong),
                                List.of("Authorization: Basic ***"),
                                List.of("Authorization: Digest x"))) {
                    var response = wire.exchange("POST", path, headers, new byte[0]);
                    assertThat(response.status()).as(path + headers).isEqualTo(401);
                    assertThat(response.headers().get("www-authenticate"))
                            .anyMatch(h -> h.startsWith("Basic realm=\""))
                            .anyMatch(h -> h.startsWith("Bearer realm=\""));
                }
            }
            assertThat(wire.exchange("GET", "/health", List.of(), new byte[0]).status())
                    .isEqualTo(200);
            assertThat(wire.exchange("GET", "/version", List.of(), new byte[0]).text())
                    .contains("1.11.0");
            List<String> basic = List.of(JSON, "Authorization: Basic " + right);
            assertThat(
                            wire.exchange(
                                            "POST",
                                            API,
                                            basic,
                                            HEALTH.getBytes(StandardCharsets.UTF_8))
                                    .status())
                    .isEqualTo(200);
        }
    }

    @Test
    void aMasterThatDoesNotLeadSendsToTheOneThatDoes() throws Exception {
        List<String> headers = List.of(JSON, "Authorization: Bearer " + TOKEN);
        byte[] call = HEALTH.getBytes(StandardCharsets.UTF_8);
        try (Wire wire = new Wire(master.port())) {
            master.standing = new Standing.Following(Optional.of(new MasterAddress("m2", 6060)));
            for (String uri :
                    List.of(
                            API + "?a=b",
                            SCHEDULER,
                            "/master/api/v1/",
                            "/berth/v1/link",
                            "/state?x")) {
                var response = wire.exchange("POST", uri, headers, call);
                assertThat(response.status()).as(uri).isEqualTo(307);
                assertThat(response.header("Location")).isEqualTo("//m2:6060" + uri);
            }
            var redirect = wire.exchange("GET", "/master/redirect", List.of(), new byte[0]);
            assertThat(redirect.status()).isEqualTo(307);
            assertThat(redirect.header("Location")).isEqualTo("//m2:6060");
            assertThat(wire.exchange("GET", "/metrics/snapshot", headers, new byte[0]).text())
                    .contains("\"master/elected\":0");
            assertThat(wire.exchange("POST", API, List.of(), call).status())
                    .as("who may not ask is not told where the leader is")
                    .isEqualTo(401);
            master.standing = new Standing.Following(Optional.empty());
            assertThat(wire.exchange("POST", API, headers, call).status()).isEqualTo(503);
            assertThat(wire.exchange("GET", "/redirect", List.of(), new byte[0]).status())
                    .isEqualTo(503);
            master.standing = new Standing.Recovering(TestMaster.SELF);
            assertThat(wire.exchange("GET", API, headers, new byte[0]).status())
                    .as("recovery comes before the method")
                    .isEqualTo(503);
            assertThat(wire.exchange("GET", "/redirect", List.of(), new byte[0]).header("Location"))
                    .isEqualTo("//127.0.0.1:5050");
        }
    }

    @Test
    void aLinkIsRefusedBeforeItsBodyEnds() throws Exception {
        for (Standing standing :
                List.of(
                        new Standing.Following(Optional.of(new MasterAddress("m2", 6060))),
                        new Standing.Following(Optional.empty()),
                        new Standing.Recovering(TestMaster.SELF))) {
            master.standing = standing;
            try (Wire wire = new Wire(master.port())) {
                wire.send(
                        "POST /berth/v1/link HTTP/1.1\r\nHost: m\r\n"
                                + PROTOBUF
                                + "\r\nAuthorization: Bearer "
                                + TOKEN
                                + "\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n5\r\n");
                assertThat(wire.response(true).status()).isIn(307, 503);
                assertThat(wire.ended()).isTrue();
            }
        }
    }

    @Test
    void aTargetMayNameTheWholeAddress() throws Exception {
        master.standing = new Standing.Following(Optional.of(new MasterAddress("m2", 6060)));
        try (Wire wire = new Wire(master.port())) {
            // As RxNetty asks, which mesos-rxjava finds its leader with.
            var probe = wire.exchange("GET", "http://u:p@m1:5050/redirect", List.of(), new byte[0]);
            assertThat(probe.status()).isEqualTo(307);
            assertThat(probe.header("Location")).isEqualTo("//m2:6060");
            assertThat(
                            wire.exchange(
                                            "GET",
                                            "http://m1:5050/state?x=http://y",
                                            List.of("Authorization: Bearer " + TOKEN),
                                            new byte[0])
                                    .header("Location"))
                    .isEqualTo("//m2:6060/state?x=http://y");
            assertThat(wire.exchange("GET", "http://m1:5050", List.of(), new byte[0]).status())
                    .isEqualTo(404);
            assertThat(wire.exchange("GET", "http://m1?x", List.of(), new byte[0]).status())
                    .isEqualTo(404);
        }
    }

    @Test
    void bodiesHaveALimitAndMayBeCompressed() throws Exception {
        master.close();
        Limits small = new Limits(4096, 4096, 10, 1 << 20, 4);
        master = new TestMaster(AccessToken.ANONYMOUS, small);
        try (Wire wire = new Wire(master.port())) {
            assertThat(wire.exchange("POST", API, List.of(JSON), new byte[4097]).status())
                    .isEqualTo(413);
        }
        try (Wire wire = new Wire(master.port())) {
            wire.send(
                    "POST /api/v1 HTTP/1.1\r\nHost: m\r\n"
                            + JSON
                            + "\r\nTransfer-Encoding: chunked\r\n\r\n");
            for (int i = 0; i < 5; i++) {
                wire.send("400\r\n" + " ".repeat(1024) + "\r\n");
            }
            wire.send("0\r\n\r\n");
            assertThat(wire.response(true).status()).isEqualTo(413);
        }
        try (Wire wire = new Wire(master.port())) {
            List<String> gzip = List.of(JSON, "Content-Encoding: gzip");
            assertThat(wire.exchange("POST", API, gzip, gzip(HEALTH + " ".repeat(3000))).status())
                    .isEqualTo(200);
            assertThat(wire.exchange("POST", API, gzip, gzip(" ".repeat(1 << 20))).status())
                    .isEqualTo(400);
        }
        try (Wire wire = new Wire(master.port())) {
            wire.send(
                    "POST /api/v1 HTTP/1.1\r\nHost: m\r\n"
                            + JSON
                            + "\r\nExpect: 100-continue\r\nContent-Length: 9999\r\n\r\n");
            assertThat(wire.response(true).status()).as("before the body is sent").isEqualTo(413);
        }
    }

    private static byte[] gzip(String text) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(text.getBytes(StandardCharsets.UTF_8));
        }
        return out.toByteArray();
    }

    @Test
    void largeAnswersAreCompressedForWhoTakesIt() throws Exception {
        try (Wire wire = new Wire(master.port())) {
            String auth = "Authorization: Bearer " + TOKEN;
            var small =
                    wire.exchange("GET", "/version", List.of("Accept-Encoding: gzip"), new byte[0]);
            assertThat(small.header("Content-Encoding")).isNull();
            var large =
                    wire.exchange(
                            "GET",
                            "/metrics",
                            List.of(auth, "Accept-Encoding: br, gzip;q=0.5"),
                            new byte[0]);
            var plain = wire.exchange("GET", "/metrics", List.of(auth), new byte[0]);
            assertThat(plain.header("Content-Encoding")).isNull();
            if (plain.body().length >= 1024) {
                assertThat(large.header("Content-Encoding")).isEqualTo("gzip");
                assertThat(Gzip.expand(large.body(), 1 << 20).length)
                        .isBetween(plain.body().length - 64, plain.body().length + 64);
            }
            var refused =
                    wire.exchange(
                            "GET",
                            "/metrics",
                            List.of(auth, "Accept-Encoding: gzip;q=0"),
                            new byte[0]);
            assertThat(refused.header("Content-Encoding")).isNull();
        }
    }

    @Test
    void brokenHttpEndsOnlyItsConnection() throws Exception {
        for (String broken :
                List.of(
                        "\r\n\r\nGARBAGE\r\n\r\n",
                        "POST /api/v1 HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                        "POST /api/v1 HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                        "POST /api/v1 HTTP/1.1\r\nHost: m\r\nA: "
                                + "x".repeat(100_000)
                                + "\r\n\r\n",
                        "POST /" + "x".repeat(20_000) + " HTTP/1.1\r\n\r\n",
                        "POST /api/v1 HTTP/1.1\r\nAuthorization: Bearer s3cret\r\n"
                                + JSON
                                + "\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")) {
            try (Wire wire = new Wire(master.port())) {
                wire.send(broken);
                assertThat(wire.response(true).status())
                        .as(broken.substring(0, Math.min(60, broken.length())))
                        .isEqualTo(400);
                assertThat(wire.ended()).isTrue();
            }
        }
        try (Wire wire = new Wire(master.port())) {
            wire.send(
                    "GET /health HTTP/1.1\r\nHost: m\r\n\r\nGET /version HTTP/1.1\r\nHost: m\r\n\r\n");
            assertThat(wire.response(true).status()).isEqualTo(200);
            assertThat(wire.response(true).text()).as("pipelined").contains("1.11.0");
        }
    }
}
