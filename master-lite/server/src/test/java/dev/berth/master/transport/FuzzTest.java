package dev.berth.master.transport;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.http.AccessToken;
import dev.berth.http.Encoding;
import dev.berth.http.Wire;
import dev.berth.protocol.ProtocolException;
import dev.berth.protocol.RecordIo;
import dev.berth.protocol.link.Link.FromMaster;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.master.Protos.Call;
import dev.berth.protocol.v1.master.Protos.Response;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Hostile and broken clients on real sockets, in both encodings, beside a framework and an agent that behave. After each batch both are there and a call is answered; after all nothing is left of the others.
 *
 * <p>Another history: {@code -Dberth.fuzz.seed=N}.
 */
@Timeout(180)
class FuzzTest {
    private static final long SEED = Long.getLong("berth.fuzz.seed", 20_261_122L);
    private static final int BATCHES = 25;
    private static final int BATCH = 40;

    private final Random random = new Random(SEED);
    private final List<Wire> hangers = new ArrayList<>();
    private TestMaster master;
    private V1 client;
    private Wire agent;
    private V1.Subscribed witness;
    private Mutations mutations;

    @BeforeEach
    void open() throws Exception {
        // The seed must be known when the whole JVM is what fails.
        System.err.println("FuzzTest: -Dberth.fuzz.seed=" + SEED);
        master =
                new TestMaster(
                        AccessToken.ANONYMOUS, new Limits(1 << 18, 1 << 18, 5000, 8 << 20, 64));
        client = new V1(master.port(), Encoding.PROTOBUF);
        agent = V1.agent(master.port());
        assertThat(FromMaster.parseFrom(agent.record()).hasRegistered()).isTrue();
        witness = client.subscribed(V1.info().setName("witness").setFailoverTimeout(3600));
        Event event = client.event(witness.wire());
        while (event.getType() != Event.Type.OFFERS) {
            event = client.event(witness.wire());
        }
        Offer offer = event.getOffers().getOffers(0);
        Thread.ofVirtual().start(this::listen);
        mutations = new Mutations(random, witness.framework(), offer);
    }

    /** The framework that behaves reads what it is told. */
    private void listen() {
        try {
            while (witness.wire().record().length > 0) {
                // Only read.
            }
        } catch (IOException _) {
            // The end of the test.
        }
    }

    @AfterEach
    void close() throws Exception {
        for (Wire wire : hangers) {
            wire.close();
        }
        agent.close();
        witness.wire().close();
        master.close();
        assertThat(master.failure).as("seed " + SEED).isNull();
    }

    @Test
    void nothingThatClientsDoHarmsTheMaster() throws Exception {
        for (int batch = 0; batch < BATCHES; batch++) {
            for (int i = 0; i < BATCH; i++) {
                String what = "seed " + SEED + ", batch " + batch + ", attack " + i;
                try {
                    attack(what);
                } catch (SocketTimeoutException e) {
                    throw new AssertionError(what + ": not answered", e);
                } catch (IOException _) {
                    // The master ended the connection, as it may.
                }
            }
            everybodyElseIsServed("seed " + SEED + ", batch " + batch);
        }
        for (Wire wire : hangers) {
            wire.close();
        }
        nothingIsLeft();
    }

    private void attack(String what) throws Exception {
        Encoding encoding = random.nextBoolean() ? Encoding.JSON : Encoding.PROTOBUF;
        switch (random.nextInt(10)) {
            case 0, 1, 2, 3 -> call(what, V1.SCHEDULER, encoding, mutations.scheduler(encoding));
            case 4, 5 -> call(what, V1.OPERATOR, encoding, mutations.operator(encoding));
            case 6 -> link();
            case 7 -> noise();
            case 8 -> halves(encoding);
            default -> hang();
        }
    }

    /** Whether the damage happened to make a valid call that ends the framework that behaves, or takes its place. */
    private boolean isAnOrder(String path, Encoding encoding, byte[] body) {
        try {
            if (path.equals(V1.OPERATOR)) {
                Call call = encoding.read(body, Call.getDefaultInstance());
                return call.getTeardown().getFrameworkId().equals(witness.framework());
            }
            var call =
                    encoding.read(
                            body, dev.berth.protocol.v1.scheduler.Protos.Call.getDefaultInstance());
            return call.getFrameworkId().equals(witness.framework())
                    && switch (call.getType()) {
                        case TEARDOWN, SUBSCRIBE -> true;
                        default -> false;
                    };
        } catch (ProtocolException _) {
            return false;
        }
    }

    private void call(String what, String path, Encoding encoding, byte[] body) throws Exception {
        if (isAnOrder(path, encoding, body)) {
            return;
        }
        List<String> headers = new ArrayList<>();
        headers.add("Content-Type: " + encoding.mediaType());
        if (random.nextInt(8) > 0) {
            headers.add("Mesos-Stream-Id: " + witness.streamId());
        }
        if (random.nextInt(4) == 0) {
            headers.add("Accept: " + Encoding.PROTOBUF.mediaType());
        }
        if (random.nextInt(10) == 0) {
            headers.add("Content-Encoding: gzip");
        }
        if (random.nextInt(10) == 0) {
            headers.add("Expect: 100-continue");
        }
        try (Wire wire = new Wire(master.port())) {
            wire.request("POST", path, headers, body);
            int status = wire.response(false).status();
            if (status == 100) {
                status = wire.response(false).status();
            }
            assertThat(status)
                    .as(what + ": " + new String(body, StandardCharsets.ISO_8859_1))
                    .isIn(200, 202, 400, 403, 404, 406, 413, 415, 501);
        }
    }

    /** An agent's link that says what it should not. */
    private void link() throws Exception {
        try (Wire wire = new Wire(master.port())) {
            wire.send(
                    "POST /berth/v1/link HTTP/1.1\r\nHost: m\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\n\r\n");
            assertThat(wire.response(false).status()).isEqualTo(200);
            if (random.nextBoolean()) {
                V1.chunk(wire, RecordIo.frame(V1.register().toByteArray()));
            }
            for (int i = random.nextInt(4); i > 0; i--) {
                byte[] said = mutations.agent();
                // One link that only announces a large record.
                V1.chunk(
                        wire,
                        random.nextInt(8) == 0
                                ? "262000\n".getBytes(StandardCharsets.US_ASCII)
                                : RecordIo.frame(said));
            }
            if (random.nextBoolean()) {
                wire.socket.shutdownOutput();
            }
        }
    }

    /** No HTTP, or almost. */
    private void noise() throws Exception {
        List<String> broken =
                List.of(
                        "POST /api/v1 HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n",
                        "POST /api/v1 HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
                        "POST /api/v1 HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{}",
                        "POST /%zz/api/v1 HTTP/1.1\r\n\r\n",
                        "GET / HTTP/9.9\r\n\r\n",
                        "POST /api/v1/scheduler HTTP/1.0\r\n\r\n",
                        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                        "GET /health HTTP/1.1\r\n".repeat(2000),
                        "POST /api/v1 HTTP/1.1\r\nContent-Length: 0\r\n\r\n".repeat(3000),
                        "GET /nothing HTTP/1.1\r\n\r\n".repeat(3000));
        try (Wire wire = new Wire(master.port())) {
            if (random.nextBoolean()) {
                wire.send(broken.get(random.nextInt(broken.size())));
            } else {
                byte[] bytes = new byte[1 + random.nextInt(3000)];
                random.nextBytes(bytes);
                wire.send(bytes);
            }
            wire.socket.shutdownOutput();
        }
    }

    /** Ends before it has said all, or hears nothing of the answer. */
    private void halves(Encoding encoding) throws Exception {
        byte[] body = mutations.scheduler(encoding);
        if (isAnOrder(V1.SCHEDULER, encoding, body)) {
            return;
        }
        try (Wire wire = new Wire(master.port())) {
            wire.send(
                    "POST /api/v1/scheduler HTTP/1.1\r\nHost: m\r\nContent-Type: "
                            + encoding.mediaType()
                            + "\r\nContent-Length: "
                            + (body.length + random.nextInt(3))
                            + "\r\n\r\n");
            wire.send(body);
            if (random.nextBoolean()) {
                wire.socket.shutdownOutput();
            } else {
                wire.socket.setSoLinger(true, 0);
            }
        }
    }

    /** Says the beginning of something, and nothing more, but stays. */
    private void hang() throws Exception {
        if (hangers.size() >= 100) {
            return;
        }
        Wire wire = new Wire(master.port());
        hangers.add(wire);
        wire.send(
                List.of(
                                "",
                                "POST /api",
                                "POST /api/v1 HTTP/1.1\r\nHost: m\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
                                "POST /berth/v1/link HTTP/1.1\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n250000\n")
                        .get(random.nextInt(4)));
    }

    private Response ask(Call.Type type) throws Exception {
        var answer = client.say(V1.OPERATOR, Call.newBuilder().setType(type).build());
        assertThat(answer.status()).isEqualTo(200);
        return Response.parseFrom(answer.body());
    }

    private void everybodyElseIsServed(String when) throws Exception {
        assertThat(ask(Call.Type.GET_HEALTH).getGetHealth().getHealthy()).as(when).isTrue();
        var framework =
                ask(Call.Type.GET_FRAMEWORKS).getGetFrameworks().getFrameworksList().stream()
                        .filter(f -> f.getFrameworkInfo().getId().equals(witness.framework()))
                        .findFirst();
        assertThat(framework).as(when).isPresent();
        assertThat(framework.get().getConnected()).as(when).isTrue();
        String revive =
                "{\"type\":\"REVIVE\",\"framework_id\":{\"value\":\""
                        + witness.framework().getValue()
                        + "\"}}";
        try (Wire wire = new Wire(master.port())) {
            var answer =
                    wire.exchange(
                            "POST",
                            V1.SCHEDULER,
                            List.of(
                                    "Content-Type: application/json",
                                    "Mesos-Stream-Id: " + witness.streamId()),
                            revive.getBytes(StandardCharsets.UTF_8));
            assertThat(answer.status()).as(when).isEqualTo(202);
        }
        V1.chunk(
                agent,
                RecordIo.frame(
                        dev.berth.protocol.link.Link.FromAgent.newBuilder()
                                .setHeartbeat(
                                        dev.berth.protocol.link.Link.Heartbeat.getDefaultInstance())
                                .build()
                                .toByteArray()));
    }

    /** Two connections are left, one framework is connected, one agent is active, and none of the master's own counts has others. */
    private void nothingIsLeft() throws Exception {
        long end = System.nanoTime() + 30_000_000_000L;
        while (master.server.connections() > 2 && System.nanoTime() < end) {
            Thread.onSpinWait();
        }
        assertThat(master.server.connections()).as("seed " + SEED).isEqualTo(2);
        long connected;
        long active;
        do {
            connected =
                    ask(Call.Type.GET_FRAMEWORKS).getGetFrameworks().getFrameworksList().stream()
                            .filter(Response.GetFrameworks.Framework::getConnected)
                            .count();
            active =
                    ask(Call.Type.GET_AGENTS).getGetAgents().getAgentsList().stream()
                            .filter(Response.GetAgents.Agent::getActive)
                            .count();
        } while ((connected != 1 || active != 1) && System.nanoTime() < end);
        assertThat(connected).as("frameworks, seed " + SEED).isEqualTo(1);
        assertThat(active).as("agents, seed " + SEED).isEqualTo(1);
        everybodyElseIsServed("after all, seed " + SEED);
    }
}
