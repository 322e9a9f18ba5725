package dev.berth.master.transport;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.http.AccessToken;
import dev.berth.http.Wire;
import dev.berth.protocol.RecordIo;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.link.Link.FromAgent;
import dev.berth.protocol.link.Link.FromMaster;
import dev.berth.protocol.v1.Protos.AgentInfo;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.Value;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Random;

@Timeout(120)
class StreamsTest {
    private static final String JSON = "Content-Type: application/json";
    private static final String PROTOBUF = "Content-Type: application/x-protobuf";
    private static final byte[] SUBSCRIBE =
            "{\"type\":\"SUBSCRIBE\",\"subscribe\":{\"framework_info\":{\"user\":\"u\",\"name\":\"n\",\"failover_timeout\":3600}}}"
                    .getBytes(StandardCharsets.UTF_8);
    private static final byte[] WATCH = "{\"type\":\"SUBSCRIBE\"}".getBytes(StandardCharsets.UTF_8);

    private TestMaster master;

    @BeforeEach
    void open() throws Exception {
        master =
                new TestMaster(AccessToken.ANONYMOUS, new Limits(1 << 20, 1 << 20, 50, 1 << 20, 4));
    }

    @AfterEach
    void close() {
        master.close();
        assertThat(master.failure).isNull();
    }

    @Test
    void aSchedulerIsSubscribedInItsEncoding() throws Exception {
        try (Wire json = new Wire(master.port());
                Wire protobuf = new Wire(master.port())) {
            json.request("POST", "/api/v1/scheduler", List.of(JSON), SUBSCRIBE);
            var head = json.response(false);
            assertThat(head.status()).isEqualTo(200);
            assertThat(head.header("Content-Type")).isEqualTo("application/json");
            assertThat(head.header("Transfer-Encoding")).isEqualTo("chunked");
            assertThat(head.header("Mesos-Stream-Id")).hasSizeBetween(8, 128);
            assertThat(new String(json.record(), StandardCharsets.UTF_8))
                    .contains("\"SUBSCRIBED\"");
            protobuf.request(
                    "POST",
                    "/api/v1/scheduler",
                    List.of(JSON, "Accept: application/x-protobuf"),
                    SUBSCRIBE);
            assertThat(protobuf.response(false).header("Content-Type"))
                    .isEqualTo("application/x-protobuf");
            Event first = Event.parseFrom(protobuf.record());
            assertThat(first.getType()).isEqualTo(Event.Type.SUBSCRIBED);
            String call =
                    "{\"type\":\"TEARDOWN\",\"framework_id\":{\"value\":\""
                            + first.getSubscribed().getFrameworkId().getValue()
                            + "\"}}";
            try (Wire other = new Wire(master.port())) {
                assertThat(post(other, call)).as("no stream id").isEqualTo(400);
                protobuf.socket.close();
                long end = System.nanoTime() + 20_000_000_000L;
                int status = post(other, call);
                while (status != 403 && System.nanoTime() < end) {
                    status = post(other, call);
                }
                assertThat(status).as("not subscribed any more").isEqualTo(403);
            }
        }
    }

    private static int post(Wire wire, String call) throws Exception {
        return wire.exchange(
                        "POST",
                        "/api/v1/scheduler",
                        List.of(JSON),
                        call.getBytes(StandardCharsets.UTF_8))
                .status();
    }

    @Test
    void anInvalidFrameworkIsToldInTheStream() throws Exception {
        try (Wire wire = new Wire(master.port())) {
            byte[] call =
                    "{\"type\":\"SUBSCRIBE\",\"subscribe\":{\"framework_info\":{\"user\":\"u\",\"name\":\"n\",\"role\":\"/bad\"}}}"
                            .getBytes(StandardCharsets.UTF_8);
            wire.request("POST", "/api/v1/scheduler", List.of(JSON), call);
            assertThat(wire.response(false).status()).isEqualTo(200);
            assertThat(new String(wire.record(), StandardCharsets.UTF_8)).contains("\"ERROR\"");
            assertThat(wire.record()).as("the stream ends").isEmpty();
        }
    }

    @Test
    void aSlowSubscriberIsCutOffAndNobodyElseNotices() throws Exception {
        try (Wire slow = new Wire(master.port());
                Wire quick = new Wire(master.port())) {
            for (Wire wire : List.of(slow, quick)) {
                wire.request("POST", "/api/v1/scheduler", List.of(JSON), SUBSCRIBE);
                assertThat(wire.response(false).status()).isEqualTo(200);
            }
            quick.record();
            // A third stream that never reads, and whose queue the test fills as the core would.
            Event large =
                    Event.newBuilder()
                            .setType(Event.Type.MESSAGE)
                            .setMessage(
                                    Event.Message.newBuilder()
                                            .setAgentId(
                                                    dev.berth.protocol.v1.Protos.AgentID
                                                            .newBuilder()
                                                            .setValue("a"))
                                            .setExecutorId(
                                                    dev.berth.protocol.v1.Protos.ExecutorID
                                                            .newBuilder()
                                                            .setValue("e"))
                                            .setData(
                                                    com.google.protobuf.ByteString.copyFrom(
                                                            new byte[200_000])))
                            .build();
            try (Wire never = new Wire(master.port())) {
                never.socket.setReceiveBufferSize(4096);
                CapturedStream captured = CapturedStream.over(master, never);
                int sent = 0;
                while (captured.send(large) && sent < 1000) {
                    sent++;
                }
                assertThat(sent).as("bounded").isBetween(1, 999);
                assertThat(captured.send(large)).as("stays refused").isFalse();
                long end = System.nanoTime() + 20_000_000_000L;
                while (master.server.connections() > 2 && System.nanoTime() < end) {
                    Thread.onSpinWait();
                }
                assertThat(master.server.connections()).as("it is cut off").isEqualTo(2);
            }
            try (Wire other = new Wire(master.port())) {
                assertThat(other.exchange("GET", "/health", List.of(), new byte[0]).status())
                        .isEqualTo(200);
            }
        }
    }

    @Test
    void anOperatorWatches() throws Exception {
        try (Wire wire = new Wire(master.port())) {
            wire.request("POST", "/api/v1", List.of(JSON), WATCH);
            var head = wire.response(false);
            assertThat(head.status()).isEqualTo(200);
            assertThat(head.header("Mesos-Stream-Id")).isNull();
            assertThat(new String(wire.record(), StandardCharsets.UTF_8))
                    .contains("\"SUBSCRIBED\"");
        }
    }

    private static byte[] register() {
        return FromAgent.newBuilder()
                .setRegister(
                        Link.Register.newBuilder()
                                .setProtocol(1)
                                .setAgentInfo(
                                        AgentInfo.newBuilder()
                                                .setHostname("h")
                                                .addResources(
                                                        Resource.newBuilder()
                                                                .setName("cpus")
                                                                .setType(Value.Type.SCALAR)
                                                                .setScalar(
                                                                        Value.Scalar.newBuilder()
                                                                                .setValue(2))))
                                .setVersion("0.1.0")
                                .setBootId("b"))
                .build()
                .toByteArray();
    }

    private Wire link() throws Exception {
        Wire wire = new Wire(master.port());
        wire.send(
                "POST /berth/v1/link HTTP/1.1\r\nHost: m\r\n"
                        + PROTOBUF
                        + "\r\nTransfer-Encoding: chunked\r\n\r\n");
        var head = wire.response(false);
        assertThat(head.status()).as("answered before the request's end").isEqualTo(200);
        return wire;
    }

    private static void chunk(Wire wire, byte[] bytes) throws Exception {
        wire.send(Integer.toHexString(bytes.length) + "\r\n");
        wire.send(bytes);
        wire.send("\r\n");
    }

    @Test
    void anAgentSpeaksAndHearsOnOneConnection() throws Exception {
        try (Wire wire = link()) {
            byte[] framed = RecordIo.frame(register());
            // Chunk boundaries carry no meaning.
            chunk(wire, java.util.Arrays.copyOfRange(framed, 0, 5));
            chunk(wire, java.util.Arrays.copyOfRange(framed, 5, framed.length));
            FromMaster first = FromMaster.parseFrom(wire.record());
            assertThat(first.hasRegistered()).as(first.toString()).isTrue();
            byte[] heartbeat =
                    RecordIo.frame(
                            FromAgent.newBuilder()
                                    .setHeartbeat(Link.Heartbeat.getDefaultInstance())
                                    .build()
                                    .toByteArray());
            for (int i = 0; i < 500; i++) {
                chunk(wire, heartbeat);
            }
            wire.send("0\r\n\r\n");
            byte[] next = wire.record();
            while (next.length > 0) {
                FromMaster.parseFrom(next);
                next = wire.record();
            }
        }
    }

    @Test
    void anAgentThatSaysWhatItMustNotIsRefused() throws Exception {
        byte[] heartbeat =
                FromAgent.newBuilder()
                        .setHeartbeat(Link.Heartbeat.getDefaultInstance())
                        .build()
                        .toByteArray();
        byte[] alien =
                FromAgent.newBuilder()
                        .setRegister(
                                Link.Register.newBuilder()
                                        .setProtocol(9)
                                        .setAgentInfo(AgentInfo.newBuilder().setHostname("h"))
                                        .setVersion("9")
                                        .setBootId("b"))
                        .build()
                        .toByteArray();
        for (byte[] bad :
                List.of(
                        RecordIo.frame(heartbeat),
                        RecordIo.frame(alien),
                        RecordIo.frame(new byte[] {1, 2, 3}),
                        "9999999999\n".getBytes(StandardCharsets.US_ASCII),
                        "x\n".getBytes(StandardCharsets.US_ASCII))) {
            try (Wire wire = link()) {
                chunk(wire, bad);
                FromMaster said = FromMaster.parseFrom(wire.record());
                assertThat(said.getRefused().getRetry()).isFalse();
                assertThat(said.getRefused().getMessage()).isNotEmpty();
                assertThat(wire.record()).isEmpty();
            }
        }
    }

    @Test
    void streamsEndWhenTheMasterStopsLeading() throws Exception {
        try (Wire scheduler = new Wire(master.port());
                Wire agent = link()) {
            scheduler.request("POST", "/api/v1/scheduler", List.of(JSON), SUBSCRIBE);
            scheduler.response(false);
            scheduler.record();
            chunk(agent, RecordIo.frame(register()));
            agent.record();
            master.standing = new MasterGate.Standing.Following(java.util.Optional.empty());
            master.server.cutStreams();
            for (Wire wire : List.of(scheduler, agent)) {
                boolean ended = false;
                while (!ended) {
                    ended = wire.ended();
                }
            }
        }
    }

    @Test
    void nothingThatIsSentHarmsTheMaster() throws Exception {
        Random random = new Random(42);
        byte[] health = "{\"type\":\"GET_HEALTH\"}".getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < 1500; i++) {
            boolean json = random.nextBoolean();
            byte[] body = Fuzz.body(random, json);
            String path = random.nextBoolean() ? "/api/v1/scheduler" : "/api/v1";
            try (Wire wire = new Wire(master.port())) {
                wire.request(
                        "POST", path, List.of(json ? JSON : PROTOBUF, "Connection: close"), body);
                var answer = wire.response(false);
                assertThat(answer.status()).as("answer to fuzz " + i).isNotEqualTo(500);
            }
        }
        try (Wire wire = new Wire(master.port())) {
            assertThat(wire.exchange("POST", "/api/v1", List.of(JSON), health).status())
                    .isEqualTo(200);
        }
    }

    @Test
    void theTokenIsMadeOnceAndClosedToOthers(@org.junit.jupiter.api.io.TempDir Path directory)
            throws Exception {
        Path file = directory.resolve("token");
        AccessToken made = AccessToken.load(file);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThat(AccessToken.load(file)).isEqualTo(made);
        assertThat(made.toString()).doesNotContain(made.secret().orElseThrow());
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
        org.assertj.core.api.Assertions.assertThatThrownBy(() -> AccessToken.load(file))
                .hasMessageContaining("chmod 600");
    }
}
