package dev.berth.agent.operator;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.FieldDescriptor;

import dev.berth.http.Damage;
import dev.berth.http.Encoding;
import dev.berth.http.Samples;
import dev.berth.http.Wire;
import dev.berth.protocol.RecordIo;
import dev.berth.protocol.v1.agent.Protos.Call;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Hostile and broken clients of the agent's API on real sockets, in both encodings, beside one that behaves. After each batch that one is answered on the connection that it had from the beginning; after all nothing is left of the others.
 *
 * <p>Another history: {@code -Dberth.fuzz.seed=N}.
 */
@Timeout(180)
class OperatorFuzzTest {
    private static final long SEED = Long.getLong("berth.fuzz.seed", 20_261_122L);
    private static final int BATCHES = 25;
    private static final int BATCH = 40;
    private static final int MOST_HANGERS = 100;
    private static final String SECRET = "of the host";
    private static final List<String> PATHS =
            List.of(
                    StillAgent.RUN + "/stdout",
                    StillAgent.RUN,
                    StillAgent.RUN + "/../../../../../../secret",
                    StillAgent.RUN + "/out",
                    "/frameworks/f/executors/e/runs/latest/stdout",
                    "/etc/passwd",
                    "",
                    "\0/..\uffff x",
                    "/frameworks//./f/../../..");

    @TempDir Path directory;
    private final Random random = new Random(SEED);
    private final Damage damage = new Damage(random);
    private final List<Wire> hangers = new ArrayList<>();
    private StillAgent agent;
    private Wire witness;

    @BeforeEach
    void open() throws Exception {
        // The seed must be known when the whole JVM is what fails.
        System.err.println("OperatorFuzzTest: -Dberth.fuzz.seed=" + SEED);
        agent = new StillAgent(directory, true);
        agent.server.serve(agent);
        Files.writeString(agent.sandbox.resolve("stdout"), "hello\n");
        Files.writeString(directory.resolve("secret"), SECRET);
        Files.createSymbolicLink(agent.sandbox.resolve("out"), directory.resolve("secret"));
        witness = new Wire(agent.port());
    }

    @AfterEach
    void close() throws Exception {
        for (Wire wire : hangers) {
            wire.close();
        }
        witness.close();
        agent.close();
        assertThat(agent.failure).as("seed " + SEED).isNull();
    }

    @Test
    void nothingThatClientsDoHarmsTheAgent() throws Exception {
        for (int batch = 0; batch < BATCHES; batch++) {
            for (int i = 0; i < BATCH; i++) {
                String what = "seed " + SEED + ", batch " + batch + ", attack " + i;
                try {
                    attack(what);
                } catch (SocketTimeoutException e) {
                    throw new AssertionError(what + ": not answered", e);
                } catch (IOException _) {
                    // The agent ended the connection, as it may.
                }
            }
            everybodyElseIsServed("seed " + SEED + ", batch " + batch);
        }
        for (Wire wire : hangers) {
            wire.close();
        }
        long end = System.nanoTime() + 30_000_000_000L;
        while (agent.server.connections() > 1 && System.nanoTime() < end) {
            Thread.onSpinWait();
        }
        assertThat(agent.server.connections()).as("seed " + SEED).isEqualTo(1);
        everybodyElseIsServed("after all, seed " + SEED);
    }

    private void attack(String what) throws Exception {
        Encoding encoding = random.nextBoolean() ? Encoding.JSON : Encoding.PROTOBUF;
        switch (random.nextInt(10)) {
            case 0, 1, 2, 3 -> call(what, encoding);
            case 4, 5 -> page(what);
            case 6 -> records(what, encoding);
            case 7 -> noise();
            case 8 -> halves(encoding);
            default -> hang();
        }
    }

    private String path() {
        return PATHS.get(random.nextInt(PATHS.size()));
    }

    private byte[] damaged(Encoding encoding) {
        Call.Type[] types = Call.Type.values();
        Call.Type type = types[random.nextInt(types.length)];
        if (random.nextInt(3) == 0) {
            type = random.nextBoolean() ? Call.Type.LIST_FILES : Call.Type.READ_FILE;
        }
        Call.Builder call = Call.newBuilder().setType(type);
        FieldDescriptor field = Samples.field(Call.getDescriptor(), type);
        if (field != null) {
            call.setField(field, Samples.required(call.newBuilderForField(field)));
        }
        switch (type) {
            case LIST_FILES -> call.getListFilesBuilder().setPath(path());
            case READ_FILE ->
                    call.getReadFileBuilder()
                            .setPath(path())
                            .setOffset(random.nextInt(9) - 2)
                            .setLength(random.nextLong());
            default -> {}
        }
        return damage.to(encoding.write(call.build()), encoding);
    }

    private void answered(String what, Wire wire) throws IOException {
        Wire.Response answer = wire.response(true);
        if (answer.status() == 100) {
            answer = wire.response(true);
        }
        assertThat(answer.status())
                .as(what + ": " + answer.text())
                .isIn(200, 400, 404, 405, 406, 413, 415, 501);
        assertThat(answer.text())
                .as(what)
                .doesNotContain(SECRET)
                .doesNotContain(
                        java.util.Base64.getEncoder()
                                .encodeToString(SECRET.getBytes(StandardCharsets.UTF_8)));
    }

    private void call(String what, Encoding encoding) throws Exception {
        byte[] body = damaged(encoding);
        List<String> headers = new ArrayList<>();
        headers.add("Content-Type: " + encoding.mediaType());
        if (random.nextInt(4) == 0) {
            headers.add("Accept: " + Encoding.PROTOBUF.mediaType());
        }
        for (String seldom :
                List.of(
                        "Content-Encoding: gzip",
                        "Expect: 100-continue",
                        "Message-Accept: application/json",
                        "Accept: application/recordio",
                        "Accept-Encoding: gzip")) {
            if (random.nextInt(12) == 0) {
                headers.add(seldom);
            }
        }
        try (Wire wire = new Wire(agent.port())) {
            wire.request(
                    "POST", random.nextBoolean() ? "/api/v1" : "/slave(1)/api/v1/", headers, body);
            answered(what + ": " + new String(body, StandardCharsets.ISO_8859_1), wire);
        }
    }

    /** A page whose target is damaged, but has no blanks. */
    private void page(String what) throws Exception {
        List<String> pages =
                List.of(
                        "/files/read?offset=0&length=5&path=",
                        "/files/browse?path=",
                        "/files/download?path=",
                        "/state?",
                        "/metrics/snapshot?",
                        "/slave(1)/files/read.json?path=");
        byte[] target =
                (pages.get(random.nextInt(pages.size())) + path()).getBytes(StandardCharsets.UTF_8);
        for (int i = random.nextInt(4); i > 0; i--) {
            target[1 + random.nextInt(target.length - 1)] = (byte) random.nextInt(256);
        }
        StringBuilder text = new StringBuilder("/");
        for (int i = 1; i < target.length; i++) {
            int b = target[i] & 0xff;
            boolean plain = b > ' ' && b < 0x7f;
            text.append(
                    plain
                            ? String.valueOf((char) b)
                            : String.format(java.util.Locale.ROOT, "%%%02x", b));
        }
        try (Wire wire = new Wire(agent.port())) {
            wire.request("GET", text.toString(), List.of(), new byte[0]);
            answered(what + ": " + text, wire);
        }
    }

    /** A body of records, which may go on. */
    private void records(String what, Encoding encoding) throws Exception {
        byte[] said =
                random.nextBoolean()
                        ? RecordIo.frame(damaged(encoding))
                        : damage.to(RecordIo.frame(damaged(encoding)), Encoding.PROTOBUF);
        try (Wire wire = new Wire(agent.port())) {
            wire.send(
                    "POST /api/v1 HTTP/1.1\r\nHost: a\r\nContent-Type: application/recordio\r\nMessage-Content-Type: "
                            + encoding.mediaType()
                            + "\r\nTransfer-Encoding: chunked\r\n\r\n");
            if (said.length > 0) {
                wire.send(Integer.toHexString(said.length) + "\r\n");
                wire.send(said);
                wire.send("\r\n");
            }
            wire.send("0\r\n\r\n");
            answered(what, wire);
        }
    }

    /** No HTTP, or almost. */
    private void noise() throws Exception {
        List<String> broken =
                List.of(
                        "POST /api/v1 HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n",
                        "POST /api/v1 HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
                        "POST /api/v1 HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{}",
                        "POST /%zz/api/v1 HTTP/1.1\r\n\r\n",
                        "GET / HTTP/9.9\r\n\r\n",
                        "POST /api/v1 HTTP/1.0\r\n\r\n",
                        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                        "GET /health HTTP/1.1\r\n".repeat(2000),
                        "POST /api/v1 HTTP/1.1\r\nContent-Length: 0\r\n\r\n".repeat(3000),
                        "GET /state HTTP/1.1\r\n\r\n".repeat(3000),
                        "GET /nothing HTTP/1.1\r\n\r\n".repeat(3000));
        try (Wire wire = new Wire(agent.port())) {
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
        byte[] body = damaged(encoding);
        try (Wire wire = new Wire(agent.port())) {
            wire.send(
                    "POST /api/v1 HTTP/1.1\r\nHost: a\r\nContent-Type: "
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
        if (hangers.size() >= MOST_HANGERS) {
            return;
        }
        Wire wire = new Wire(agent.port());
        hangers.add(wire);
        wire.send(
                List.of(
                                "",
                                "POST /api",
                                "POST /api/v1 HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
                                "POST /api/v1 HTTP/1.1\r\nContent-Type: application/recordio\r\nMessage-Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n1000000\n",
                                "GET /files/read?offset=0&path="
                                        + StillAgent.RUN
                                        + "/stdout HTTP/1.1\r\n\r\n")
                        .get(random.nextInt(5)));
    }

    private void everybodyElseIsServed(String when) throws Exception {
        var health =
                witness.exchange(
                        "POST",
                        "/api/v1",
                        List.of("Content-Type: application/json"),
                        "{\"type\":\"GET_HEALTH\"}".getBytes(StandardCharsets.UTF_8));
        assertThat(health.status()).as(when).isEqualTo(200);
        var file =
                witness.exchange(
                        "GET",
                        "/files/download?path=" + StillAgent.RUN + "/stdout",
                        List.of(),
                        new byte[0]);
        assertThat(file.text()).as(when).isEqualTo("hello\n");
    }
}
