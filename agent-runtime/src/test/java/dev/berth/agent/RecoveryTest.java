package dev.berth.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.agent.config.AgentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** One agent after another on the same directories. */
@Timeout(30)
class RecoveryTest {
    @TempDir Path directory;

    @Test
    void theNextAgentKnowsWhatTheOneBeforeItKnew() throws AgentException, IOException {
        try (FakeAgent first = new FakeAgent(directory);
                Http http = new Http(first.socket)) {
            http.post("/containers/create?name=made", "{\"Image\":\"tiny\"}");
            http.post(
                    "/containers/create?name=ended",
                    "{\"Image\":\"tiny\",\"Cmd\":[\"exit\",\"4\"]}");
            http.post("/containers/ended/start");
            http.post("/containers/ended/wait");
            http.post("/containers/create?name=runs", "{\"Image\":\"tiny\",\"Cmd\":[\"sleep\"]}");
            http.post("/containers/runs/start");
            http.post("/containers/create?name=gone", "{\"Image\":\"tiny\"}");
            http.call("DELETE", "/containers/gone", "");
        }
        try (FakeAgent second = new FakeAgent(directory);
                Http http = new Http(second.socket)) {
            assertThat(second.containers.recovered).hasSize(3);
            assertThat(http.get("/containers/made/json").json().at("/State/Status").asText())
                    .isEqualTo("created");
            assertThat(http.get("/containers/ended/json").json().at("/State/ExitCode").asInt())
                    .isEqualTo(4);
            assertThat(http.get("/containers/ended/json").json().at("/Berth/Exits")).hasSize(1);
            assertThat(http.get("/containers/runs/json").json().at("/State/Running").asBoolean())
                    .isTrue();
            assertThat(http.get("/containers/gone/json").status()).isEqualTo(404);
            assertThat(http.post("/containers/create?name=runs", "{\"Image\":\"tiny\"}").status())
                    .isEqualTo(409);
            // Its root is unknown to this agent's containerizer until it is asked for again.
            assertThat(http.post("/containers/made/start").status()).isEqualTo(204);
            assertThat(http.post("/containers/runs/stop").status()).isEqualTo(204);
        }
        try (FakeAgent third = new FakeAgent(directory);
                Http http = new Http(third.socket)) {
            assertThat(http.get("/containers/runs/json").json().at("/State/ExitCode").asInt())
                    .isEqualTo(143);
        }
    }

    /** The agent died between asking for a start and noting it; the container's monitor went on. */
    @Test
    void aStartThatNobodyNotedHasATime() throws AgentException, IOException {
        try (FakeAgent first = new FakeAgent(directory);
                Http http = new Http(first.socket)) {
            http.post("/containers/create?name=runs", "{\"Image\":\"tiny\",\"Cmd\":[\"sleep\"]}");
            assertThat(http.post("/containers/runs/start").status()).isEqualTo(204);
        }
        Path journal = directory.resolve("data/agent/journal");
        List<String> lines = Files.readAllLines(journal);
        List<String> without =
                lines.stream().filter(line -> !line.contains("\"what\":\"started\"")).toList();
        assertThat(without).hasSizeLessThan(lines.size());
        Files.write(journal, without);
        try (FakeAgent second = new FakeAgent(directory);
                Http http = new Http(second.socket)) {
            assertThat(http.get("/containers/runs/json").json().at("/State/StartedAt").asText())
                    .startsWith("20");
            http.post("/containers/runs/stop");
            assertThat(http.get("/containers/runs/json").json().at("/State/StartedAt").asText())
                    .startsWith("20");
        }
    }

    @Test
    void anUnfinishedCreationIsClearedAway() throws AgentException, IOException {
        Path cut = directory.resolve("data/agent/containers").resolve("ef".repeat(32));
        Files.createDirectories(cut);
        try (FakeAgent agent = new FakeAgent(directory);
                Http http = new Http(agent.socket)) {
            assertThat(http.get("/containers/json?all=1").json()).isEmpty();
            assertThat(cut).doesNotExist();
        }
    }

    @Test
    void anIdleAgentEndsByItself() throws AgentException, InterruptedException {
        try (FakeAgent agent = new FakeAgent(directory, 1)) {
            agent.await();
        }
    }

    @Test
    void aPolicyStartsItAgainButNotAfterAStop() throws AgentException, IOException {
        try (FakeAgent agent = new FakeAgent(directory);
                Http http = new Http(agent.socket)) {
            http.post(
                    "/containers/create?name=pp",
                    "{\"Image\":\"tiny\",\"Cmd\":[\"exit\",\"1\"],\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"on-failure\",\"MaximumRetryCount\":2}}}");
            http.post("/containers/pp/start");
            while (http.get("/containers/pp/json").json().path("RestartCount").asInt() < 2) {
                Thread.onSpinWait();
            }
            assertThat(http.post("/containers/pp/wait").json().path("StatusCode").asInt())
                    .isEqualTo(1);
            http.post(
                    "/containers/create?name=qq",
                    "{\"Image\":\"tiny\",\"Cmd\":[\"sleep\"],\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"always\"}}}");
            http.post("/containers/qq/start");
            http.post("/containers/qq/stop");
            assertThat(http.get("/containers/qq/json").json().at("/State/Status").asText())
                    .isEqualTo("exited");
        }
    }
}
