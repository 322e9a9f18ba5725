package dev.berth.tests.root.tasks;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** What a task makes in its sandbox leads nobody out of it who reads through the agent's API. */
@Tag("root")
@Timeout(60)
@ExtendWith(TaskCluster.Shared.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TaskFilesTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private final HttpClient http = HttpClient.newHttpClient();
    private TaskCluster cluster;
    private TaskInfo.Builder task;
    private String sandbox;

    @BeforeAll
    void begin(TaskCluster shared) throws Exception {
        cluster = shared;
        task =
                cluster.shell(
                        "evil",
                        "cd $MESOS_SANDBOX; echo inside > file; mkdir -p d; echo deep > d/file; ln -s file good; ln -s d gooddir;"
                                + " ln -s /etc/passwd abs; ln -s /etc etc; ln -s / root; ln -s /proc/self/root magic;"
                                + " ln -s ../../../../../../../../../../etc/passwd rel; ln -s ../../../../../../token token;"
                                + " ln -s .. up; ln -s loop loop; mkfifo fifo; ln -s /dev/zero zero;"
                                + " rm -f stderr; ln -s /etc/hostname stderr; echo done; while true; do"
                                + " mv d d.real; ln -s /etc d; rm d; mv d.real d; done");
        cluster.launch(task);
        cluster.running(task);
        dev.berth.tests.kit.Await.until(
                "its links are there",
                20,
                () -> cluster.stdout(task).contains("done") || refreshed());
        sandbox =
                "/frameworks/"
                        + cluster.scheduler.id().getValue()
                        + "/executors/"
                        + TaskCluster.id(task)
                        + "/runs/latest";
    }

    /** Output is copied at least once a second, and at each reading. */
    private boolean refreshed() throws Exception {
        return Files.exists(cluster.sandbox(task).resolve("stderr"))
                && Files.isSymbolicLink(cluster.sandbox(task).resolve("stderr"));
    }

    @org.junit.jupiter.api.AfterAll
    void end() throws Exception {
        cluster.kill(task, Optional.of(TaskCluster.grace(0)));
        assertThat(cluster.end(task).getState()).isEqualTo(TaskState.TASK_KILLED);
    }

    private HttpResponse<String> get(String page, String path) throws Exception {
        return http.send(
                HttpRequest.newBuilder(
                                URI.create(
                                        "http://127.0.0.1:"
                                                + cluster.agent.port()
                                                + page
                                                + "path="
                                                + URLEncoder.encode(path, StandardCharsets.UTF_8)))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private HttpResponse<String> read(String path) throws Exception {
        return get("/files/read?offset=0&length=10000&", path);
    }

    private JsonNode call(String type, String field, String path) throws Exception {
        return JSON.readTree(
                http.send(
                                HttpRequest.newBuilder(
                                                URI.create(
                                                        "http://127.0.0.1:"
                                                                + cluster.agent.port()
                                                                + "/api/v1"))
                                        .header("Content-Type", "application/json")
                                        .POST(
                                                HttpRequest.BodyPublishers.ofString(
                                                        "{\"type\":\""
                                                                + type
                                                                + "\",\""
                                                                + field
                                                                + "\":{\"path\":\""
                                                                + path
                                                                + "\",\"offset\":0}}"))
                                        .build(),
                                HttpResponse.BodyHandlers.ofString())
                        .body());
    }

    @Test
    void whatIsInsideIsRead() throws Exception {
        assertThat(JSON.readTree(read(sandbox + "/file").body()).path("data").asText())
                .isEqualTo("inside\n");
        assertThat(
                        new String(
                                call("READ_FILE", "read_file", sandbox + "/file")
                                        .at("/read_file/data")
                                        .binaryValue(),
                                StandardCharsets.UTF_8))
                .isEqualTo("inside\n");
        // The page brings the output up to date.
        dev.berth.tests.kit.Await.until(
                "its output",
                20,
                () ->
                        JSON.readTree(read(sandbox + "/stdout").body())
                                .path("data")
                                .asText()
                                .startsWith("done"));
        JsonNode listed = JSON.readTree(get("/files/browse?", sandbox).body());
        assertThat(listed.findValuesAsText("path")).contains(sandbox + "/file", sandbox + "/abs");
        JsonNode files = call("LIST_FILES", "list_files", sandbox);
        assertThat(files.at("/list_files/file_infos").findValuesAsText("path"))
                .contains(sandbox + "/file");
    }

    @Test
    void linksLeadNowhere() throws Exception {
        String secret = Files.readString(Path.of("/etc/passwd"));
        for (String name :
                List.of(
                        "abs",
                        "etc/passwd",
                        "root/etc/passwd",
                        "magic/etc/passwd",
                        "rel",
                        "token",
                        "up/../../../../../../token",
                        "loop",
                        "zero",
                        "stderr",
                        "etc",
                        "root",
                        "../../../../../../token",
                        "../../../../../../../../../../etc/passwd")) {
            for (String page :
                    List.of("/files/read?offset=0&", "/files/download?", "/files/browse?")) {
                HttpResponse<String> answer = get(page, sandbox + "/" + name);
                assertThat(answer.statusCode()).as(page + name).isIn(400, 404, 500);
                assertThat(answer.body()).doesNotContain(secret).doesNotContain("root:");
            }
        }
        assertThat(get("/files/read?offset=0&", "/etc/passwd").statusCode()).isEqualTo(404);
        assertThat(get("/files/read?offset=0&", cluster.agent.dataRoot() + "/token").statusCode())
                .isEqualTo(404);
    }

    @Test
    void aPipeIsNotWaitedFor() throws Exception {
        assertThat(read(sandbox + "/fifo").statusCode()).isEqualTo(400);
    }

    @Test
    void aDirectoryThatIsExchangedForALinkMeanwhileIsNoWayOut() throws Exception {
        for (int i = 0; i < 150; i++) {
            assertThat(get("/files/read?offset=0&", sandbox + "/d/passwd").body())
                    .doesNotContain("root:");
        }
    }

    @Test
    void whatIsNotThereSaysSo() throws Exception {
        HttpResponse<String> answer =
                http.send(
                        HttpRequest.newBuilder(
                                        URI.create(
                                                "http://127.0.0.1:"
                                                        + cluster.agent.port()
                                                        + "/slave(1)/api/v1"))
                                .header("Content-Type", "application/json")
                                .POST(
                                        HttpRequest.BodyPublishers.ofString(
                                                "{\"type\":\"PRUNE_IMAGES\"}"))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(501);
        assertThat(answer.body()).contains("PRUNE_IMAGES");
    }
}
