package dev.berth.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.agent.Http.Response;
import dev.berth.agent.config.AgentException;
import dev.berth.isolator.ContainerId;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/** What somebody changed of a running container's walls is noticed without being asked. */
@Timeout(30)
class GuardsTest {
    @TempDir Path directory;

    @Test
    void aRestoredGuardIsCountedAndTold() throws AgentException, IOException {
        try (FakeAgent agent = new FakeAgent(directory);
                Http http = new Http(agent.socket)) {
            Response made =
                    http.post(
                            "/v1.47/containers/create?name=guarded",
                            "{\"Image\":\"tiny\",\"Cmd\":[\"sleep\"]}");
            assertThat(made.status()).as(made.text()).isEqualTo(201);
            String id = made.json().path("Id").asText();
            assertThat(http.post("/containers/" + id + "/start").status()).isEqualTo(204);
            assertThat(restored(http)).isZero();
            agent.containers.tampered.add(new ContainerId(id));
            while (restored(http) == 0) {
                LockSupport.parkNanos(20_000_000);
            }
            assertThat(restored(http)).isEqualTo(1);
            long until = System.currentTimeMillis() / 1000 + 1;
            assertThat(http.get("/events?since=1&until=" + until).text())
                    .contains("\"Action\":\"devices-restored\"")
                    .contains("\"ID\":\"" + id);
        }
    }

    private static int restored(Http http) throws IOException {
        return http.get("/berth/counters").json().path("guards_restored").path("value").asInt();
    }
}
