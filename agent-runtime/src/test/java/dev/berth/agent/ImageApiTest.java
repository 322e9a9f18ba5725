package dev.berth.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.agent.Http.Response;
import dev.berth.agent.config.AgentException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;

/** Images over the API. */
@Timeout(30)
class ImageApiTest {
    @TempDir Path directory;
    private FakeAgent agent;
    private Http http;

    @BeforeEach
    void start() throws AgentException, IOException {
        agent = new FakeAgent(directory);
        http = new Http(agent.socket);
    }

    @AfterEach
    void stop() throws IOException {
        http.close();
        agent.close();
    }

    @Test
    void listInspectAndHistory() throws IOException {
        assertThat(http.get("/images/json").json().get(0).path("RepoTags").get(0).asText())
                .isEqualTo("tiny:latest");
        assertThat(http.get("/images/json?filters=%7B%22reference%22%3A%5B%22ti*%22%5D%7D").json())
                .hasSize(1);
        assertThat(http.get("/images/json?filters=%7B%22reference%22%3A%5B%22no*%22%5D%7D").json())
                .isEmpty();
        assertThat(http.get("/images/tiny:latest/json").json().path("Config").path("Cmd"))
                .hasSize(2);
        assertThat(http.get("/images/tiny/history").json().get(0).path("CreatedBy").asText())
                .isEqualTo("made by hand");
        assertThat(http.get("/images/localhost:5000/a/b/json").status()).isEqualTo(404);
    }

    @Test
    void aPullTellsItsProgressAndShowsOnlyTheGivenCredentials() throws IOException {
        String auth =
                Base64.getUrlEncoder()
                        .encodeToString(
                                "{\"username\":\"u\",\"password\":\"p\"}"
                                        .getBytes(StandardCharsets.UTF_8));
        Response pulled =
                http.call(
                        "POST",
                        "/v1.47/images/create?fromImage=tiny&tag=latest",
                        "",
                        "X-Registry-Auth: " + auth);
        assertThat(pulled.status()).isEqualTo(200);
        assertThat(pulled.text()).contains("\"status\":\"Pull complete\"");
        assertThat(agent.images.shown.orElseThrow().username()).isEqualTo("u");
        Response bad =
                http.call(
                        "POST", "/images/create?fromImage=tiny", "", "X-Registry-Auth: !!secret!!");
        assertThat(bad.status()).isEqualTo(400);
        assertThat(bad.text()).doesNotContain("secret");
    }

    @Test
    void aPullThatFailsAtOnceHasAStatusAndALaterOneALine() throws IOException {
        Response missing = http.post("/images/create?fromImage=missing&tag=1");
        assertThat(missing.status()).isEqualTo(404);
        Response broken = http.post("/images/create?fromImage=broken&tag=1");
        assertThat(broken.status()).isEqualTo(200);
        assertThat(broken.text()).contains("\"errorDetail\"").contains("connection reset");
        assertThat(http.post("/images/create?fromImage=UPPER").status()).isEqualTo(400);
        assertThat(http.post("/images/create?fromSrc=-").status()).isEqualTo(400);
    }

    @Test
    void aLoadStreamsItsBodyAndTheConnectionLivesOn() throws IOException {
        Response loaded = http.post("/images/load?quiet=1", "x".repeat(5 << 20));
        assertThat(loaded.status()).isEqualTo(200);
        assertThat(loaded.text()).contains("Loaded image: tiny:latest");
        assertThat(http.post("/images/load", "short").status()).isEqualTo(400);
        assertThat(http.get("/_ping").text()).isEqualTo("OK");
    }

    @Test
    void anImageInUseStays() throws IOException {
        assertThat(http.call("DELETE", "/images/tiny", "").status()).isEqualTo(200);
        http.post("/containers/create?name=user", "{\"Image\":\"tiny\"}");
        assertThat(http.call("DELETE", "/images/tiny:latest", "").status()).isEqualTo(409);
        assertThat(http.post("/images/tiny/tag?repo=other&tag=2").status()).isEqualTo(201);
        assertThat(http.post("/images/tiny/tag?repo=BAD").status()).isEqualTo(400);
    }
}
