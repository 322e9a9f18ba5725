package dev.berth.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;

import dev.berth.agent.config.MasterOptions;
import dev.berth.agent.device.DeviceSetup;
import dev.berth.protocol.v1.Protos.TaskState;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;

/** The agent's own HTTP API, on a task that has run. */
@Timeout(60)
class OperatorApiTest {
    @TempDir Path directory;
    private final HttpClient client = HttpClient.newHttpClient();
    private int port;
    private String token = "";

    private HttpResponse<String> send(String path, String body, String... headers)
            throws Exception {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path));
        if (!token.isEmpty()) {
            request.header("Authorization", "Bearer " + token);
        }
        if (headers.length > 0) {
            request.headers(headers);
        }
        if (!body.isEmpty()) {
            request.POST(HttpRequest.BodyPublishers.ofString(body));
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private JsonNode call(String body) throws Exception {
        HttpResponse<String> response =
                send("/slave(1)/api/v1", body, "Content-Type", "application/json");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return Http.JSON.readTree(response.body());
    }

    @Test
    void whoHasTheTokenSeesTasksAndTheirFiles() throws Exception {
        try (FakeMaster master = new FakeMaster()) {
            MasterOptions open = master.options("").orElseThrow();
            Files.writeString(directory.resolve("of-master"), "first\n");
            MasterOptions guarded =
                    new MasterOptions(
                            open.masters(),
                            Optional.empty(),
                            "127.0.0.1",
                            0,
                            false,
                            Optional.of(directory.resolve("of-master")),
                            "",
                            "");
            try (FakeAgent agent =
                    new FakeAgent(
                            directory,
                            0,
                            DeviceSetup.none(directory.resolve("devices")),
                            Optional.of(guarded))) {
                port = agent.operatorPort();
                assertThat(master.accept().getAgentInfo().getPort()).isEqualTo(port);
                master.launch(FakeMaster.task("t", "echo", "hello"));
                master.until(TaskState.TASK_FINISHED);
                master.launch(FakeMaster.task("u", "sleep"));
                master.until(TaskState.TASK_RUNNING);

                assertThat(send("/health", "").statusCode()).isEqualTo(200);
                HttpResponse<String> refused = send("/state", "");
                assertThat(refused.statusCode()).isEqualTo(401);
                assertThat(refused.headers().firstValue("WWW-Authenticate")).isPresent();
                tokenOfTheMaster();
                Path file = directory.resolve("data/token");
                token = Files.readString(file).strip();
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                        .isEqualTo("rw-------");
                pages();
                calls();
            }
        }
    }

    /** One token is enough for a cluster; it may change. */
    private void tokenOfTheMaster() throws Exception {
        token = "first";
        assertThat(send("/state", "").statusCode()).isEqualTo(200);
        token = "second";
        assertThat(send("/state", "").statusCode()).isEqualTo(401);
        Files.writeString(directory.resolve("of-master"), "second\n");
        assertThat(send("/state", "").statusCode()).isEqualTo(200);
        Files.writeString(directory.resolve("of-master"), "\n");
        assertThat(send("/state", "").statusCode()).isEqualTo(401);
    }

    private void pages() throws Exception {
        String text = send("/slave(1)/state", "").body();
        JsonNode state = Http.JSON.readTree(text);
        assertThat(state.path("id").asText()).isEqualTo("agent-1");
        assertThat(state.path("pid").asText())
                .isEqualTo("slave(1)@127.0.0.1:" + state.path("port").asInt());
        assertThat(state.path("master_hostname").asText()).isEqualTo("127.0.0.1");
        assertThat(text).containsPattern("\"start_time\":[0-9]{10}\\.[0-9]");
        JsonNode executor = state.at("/frameworks/0/executors/0");
        assertThat(executor.at("/tasks/0/state").asText()).isEqualTo("TASK_RUNNING");
        JsonNode over = state.at("/frameworks/0/completed_executors/0");
        String sandbox = over.path("directory").asText();
        JsonNode listed = Http.JSON.readTree(send("/files/browse?path=" + sandbox, "").body());
        assertThat(listed.findValuesAsText("path"))
                .contains(sandbox + "/stdout", sandbox + "/stderr");
        String virtual = "/frameworks/f-1/executors/t/runs/latest/stdout";
        JsonNode read =
                Http.JSON.readTree(
                        send("/files/read?offset=1&length=3&path=" + virtual, "").body());
        assertThat(read.path("data").asText()).isEqualTo("ell");
        assertThat(send("/files/download?path=" + virtual, "").body()).isEqualTo("hello\n");
        assertThat(send("/files/read?offset=0&path=/etc/passwd", "").statusCode()).isEqualTo(404);
        assertThat(send("/files/read?offset=0&path=/frameworks/../../token", "").statusCode())
                .isEqualTo(404);
        Path link = Path.of(sandbox).resolve("leads-out");
        Files.createSymbolicLink(link, Path.of("/etc/passwd"));
        assertThat(send("/files/read?offset=0&path=" + link, "").statusCode()).isEqualTo(404);
        assertThat(send("/metrics", "").body()).contains("berth_containers_created_total 2");
        JsonNode metrics = Http.JSON.readTree(send("/metrics/snapshot", "").body());
        assertThat(metrics.path("slave/tasks_running").asDouble()).isEqualTo(1);
        assertThat(metrics.path("slave/executors_running").asDouble()).isEqualTo(1);
        assertThat(metrics.path("slave/executors_terminated").asDouble()).isEqualTo(1);
        assertThat(metrics.path("slave/frameworks_active").asDouble()).isEqualTo(1);
        assertThat(metrics.path("system/mem_total_bytes").asDouble())
                .isGreaterThan(metrics.path("system/mem_free_bytes").asDouble());
        // Collectors that miss one name of a group drop the group.
        for (String name :
                List.of(
                        "slave/tasks_staging",
                        "slave/tasks_lost",
                        "slave/executors_registering",
                        "slave/executors_preempted",
                        "slave/cpus_revocable_total",
                        "slave/disk_revocable_percent",
                        "system/cpus_total",
                        "system/load_15min")) {
            assertThat(metrics.path(name).isNumber()).as(name).isTrue();
        }
    }

    private void calls() throws Exception {
        assertThat(call("{\"type\":\"GET_HEALTH\"}").at("/get_health/healthy").asBoolean())
                .isTrue();
        JsonNode tasks = call("{\"type\":\"GET_TASKS\"}").path("get_tasks");
        assertThat(tasks.at("/launched_tasks/0/task_id/value").asText()).isEqualTo("u");
        assertThat(tasks.at("/completed_tasks/0/task_id/value").asText()).isEqualTo("t");
        assertThat(call("{\"type\":\"GET_CONTAINERS\"}").at("/get_containers/containers"))
                .hasSize(1);
        JsonNode file =
                call("{\"type\":\"READ_FILE\",\"read_file\":{\"offset\":0,\"path\":\"/frameworks/f-1/executors/t/runs/latest/stdout\"}}")
                        .path("read_file");
        assertThat(new String(file.path("data").binaryValue(), "UTF-8")).isEqualTo("hello\n");
        assertThat(file.path("size").asInt()).isEqualTo(6);
        HttpResponse<String> later =
                send("/api/v1", "{\"type\":\"PRUNE_IMAGES\"}", "Content-Type", "application/json");
        assertThat(later.statusCode()).isEqualTo(501);
        assertThat(later.body()).contains("PRUNE_IMAGES");
        assertThat(send("/api/v1", "{}", "Content-Type", "text/plain").statusCode()).isEqualTo(415);
        assertThat(send("/api/v1", "{", "Content-Type", "application/json").statusCode())
                .isEqualTo(400);
    }
}
