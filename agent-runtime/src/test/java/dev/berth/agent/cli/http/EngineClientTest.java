package dev.berth.agent.cli.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.agent.cli.json.Json;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;

@Timeout(20)
class EngineClientTest {
    @TempDir Path directory;

    @Test
    void oneConnectionServesManyRequests() throws IOException {
        try (FakeAgent agent = new FakeAgent(directory, e -> e.reply(200, "{\"n\":1}"));
                EngineClient client = new EngineClient(agent.socket())) {
            for (int i = 0; i < 3; i++) {
                try (Response response = client.get(Query.of("/x").with("i", "" + i))) {
                    assertThat(response.json().at("n").number()).isEqualTo(1);
                }
            }
            assertThat(agent.connections()).isEqualTo(1);
            assertThat(agent.requests()).containsExactly("GET /x?i=0", "GET /x?i=1", "GET /x?i=2");
        }
    }

    @Test
    void chunksAreJoined() throws IOException {
        try (FakeAgent agent =
                        new FakeAgent(
                                directory,
                                e -> {
                                    e.raw(
                                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                                    + "3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n");
                                    return true;
                                });
                EngineClient client = new EngineClient(agent.socket())) {
            assertThat(client.get(Query.of("/")).text()).isEqualTo("abcde");
            assertThat(client.get(Query.of("/")).text()).isEqualTo("abcde");
            assertThat(agent.connections()).isEqualTo(1);
        }
    }

    @Test
    void aBodyWithoutLengthEndsWithTheConnection() throws IOException {
        try (FakeAgent agent =
                        new FakeAgent(
                                directory,
                                e -> {
                                    e.raw("HTTP/1.1 200 OK\r\n\r\nall of it");
                                    return false;
                                });
                EngineClient client = new EngineClient(agent.socket())) {
            assertThat(client.get(Query.of("/")).text()).isEqualTo("all of it");
        }
    }

    @Test
    void anAnswerThatBreaksOffIsAnError() throws IOException {
        try (FakeAgent agent =
                        new FakeAgent(
                                directory,
                                e -> {
                                    e.raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
                                    return false;
                                });
                EngineClient client = new EngineClient(agent.socket())) {
            assertThatThrownBy(() -> client.get(Query.of("/")).text())
                    .isInstanceOf(EOFException.class);
        }
    }

    @Test
    void errorsCarryStatusAndMessage() throws IOException {
        try (FakeAgent agent =
                        new FakeAgent(
                                directory,
                                e ->
                                        e.target().equals("/json")
                                                ? e.reply(404, "{\"message\":\"No such thing\"}")
                                                : e.reply(500, "plain\n"));
                EngineClient client = new EngineClient(agent.socket())) {
            assertThatThrownBy(() -> client.get(Query.of("/json")))
                    .isInstanceOfSatisfying(
                            EngineException.class,
                            e -> {
                                assertThat(e.status()).isEqualTo(404);
                                assertThat(e).hasMessage("No such thing");
                            });
            assertThatThrownBy(() -> client.get(Query.of("/text"))).hasMessage("plain");
            assertThat(agent.connections()).isEqualTo(1);
        }
    }

    @Test
    void aConnectionThatWentStaleIsReplaced() throws IOException {
        try (FakeAgent agent =
                        new FakeAgent(
                                directory,
                                e -> {
                                    e.reply(200, "1");
                                    return false;
                                });
                EngineClient client = new EngineClient(agent.socket())) {
            assertThat(client.get(Query.of("/a")).text()).isEqualTo("1");
            assertThat(client.post(Query.of("/b"), Json.of(1)).text()).isEqualTo("1");
            assertThat(agent.requests()).containsExactly("GET /a", "POST /b");
        }
    }

    @Test
    void answersWithoutABodyFreeTheConnection() throws IOException {
        try (FakeAgent agent =
                        new FakeAgent(
                                directory,
                                e -> {
                                    e.raw("HTTP/1.1 204 No Content\r\n\r\n");
                                    return true;
                                });
                EngineClient client = new EngineClient(agent.socket())) {
            client.post(Query.of("/a"), Map.of("X-A", "b")).close();
            client.delete(Query.of("/b")).close();
            assertThat(agent.connections()).isEqualTo(1);
        }
    }

    @Test
    void uploadsGoInChunks() throws IOException {
        byte[] content = "x".repeat(300_000).getBytes(StandardCharsets.UTF_8);
        try (FakeAgent agent =
                        new FakeAgent(
                                directory, e -> e.reply(200, Integer.toString(e.body().length())));
                EngineClient client = new EngineClient(agent.socket())) {
            try (Response response =
                    client.upload(
                            Query.of("/load"),
                            new ByteArrayInputStream(content),
                            "application/x-tar")) {
                assertThat(response.text()).isEqualTo("300000");
            }
        }
    }

    @Test
    void aHijackedStreamHalfCloses() throws IOException {
        try (FakeAgent agent =
                        new FakeAgent(
                                directory,
                                e -> {
                                    e.raw(
                                            "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
                                                    + "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly ");
                                    // Answers only after the client's half has ended.
                                    byte[] all = e.in().readAllBytes();
                                    e.out().write(all);
                                    return false;
                                });
                EngineClient client = new EngineClient(agent.socket());
                Hijack stream = client.hijack(Query.of("/attach"), Json.NULL)) {
            assertThat(stream.multiplexed()).isFalse();
            byte[] bytes = "input".getBytes(StandardCharsets.UTF_8);
            stream.write(bytes, 0, bytes.length);
            stream.closeWrite();
            assertThat(new String(stream.in().readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo("early input");
        }
    }
}
