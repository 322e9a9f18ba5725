package dev.berth.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.agent.config.AgentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A container that removes itself waits until those who follow its output have its log in their hands. */
@Timeout(60)
class AttachRemovalTest {
    /** Without the wait about every third run loses its output. */
    private static final int RUNS = 100;

    @TempDir Path directory;

    @Test
    void nothingIsLostHoweverQuicklyItIsRemoved() throws AgentException, IOException {
        try (FakeAgent agent = new FakeAgent(directory)) {
            for (int run = 0; run < RUNS; run++) {
                assertThat(output(agent)).as("run %d", run).isEqualTo("hello\n");
            }
        }
    }

    private static String output(FakeAgent agent) throws IOException {
        try (Http http = new Http(agent.socket);
                Http attached = new Http(agent.socket)) {
            String id =
                    http.post(
                                    "/v1.47/containers/create",
                                    "{\"Image\":\"tiny\",\"Cmd\":[\"echo\",\"hello\"],\"HostConfig\":{\"AutoRemove\":true}}")
                            .json()
                            .path("Id")
                            .asText();
            attached.send(
                    "POST",
                    "/v1.47/containers/" + id + "/attach?stream=1&stdout=1",
                    "",
                    "Connection: Upgrade",
                    "Upgrade: tcp");
            assertThat(attached.head().status()).isEqualTo(101);
            assertThat(http.post("/containers/" + id + "/start").status()).isEqualTo(204);
            byte[] frame = attached.rest();
            return new String(
                    frame,
                    Math.min(8, frame.length),
                    Math.max(0, frame.length - 8),
                    StandardCharsets.UTF_8);
        }
    }
}
