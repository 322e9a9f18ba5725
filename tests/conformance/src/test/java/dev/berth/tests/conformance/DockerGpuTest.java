package dev.berth.tests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import dev.berth.tests.conformance.DockerCli.Result;
import dev.berth.tests.kit.AgentProcess;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** {@code docker run --gpus}, by the docker command line itself, on an agent with eight simulated GPUs. */
@Tag("conformance")
@Timeout(120)
class DockerGpuTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir static Path directory;
    private static AgentProcess agent;
    private static DockerCli docker;
    private static PlacedNodes nodes;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        agent =
                AgentProcess.start(
                        directory.resolve("a"), List.of(), List.of("--gpus", "sim:8xH100"));
        docker = new DockerCli(agent.socket(), directory);
        Path archive = directory.resolve("bb.tar");
        DockerArchive.write(archive, "bb");
        assertThat(docker.run("load", "-i", archive.toString()).code()).isZero();
        nodes = new PlacedNodes(directory.resolve("nodes"));
        for (int i = 0; i < 8; i++) {
            nodes.make("nvidia" + i, 195, i);
        }
        nodes.make("nvidia-modeset", 195, 254);
    }

    @AfterAll
    static void stop() throws IOException {
        nodes.close();
        agent.close();
    }

    private static Result run(String gpus, String script) throws IOException, InterruptedException {
        Result result =
                docker.run(
                        "run",
                        "--rm",
                        "--network",
                        "none",
                        "--gpus",
                        gpus,
                        "-v",
                        nodes.bind(),
                        "bb",
                        "sh",
                        "-c",
                        script);
        assertThat(result.code()).as(result.out() + result.err()).isZero();
        return result;
    }

    @Test
    void oneOfEightIsOpenAndEveryOtherDenied() throws IOException, InterruptedException {
        Result result = run("1", "ls /dev/nvidia[0-9]; nvidia-smi -L; cat /nodes/* 2>&1; true");
        assertThat(result.out().lines().filter(l -> l.startsWith("/dev/nvidia"))).hasSize(1);
        assertThat(result.out().lines().filter(l -> l.startsWith("GPU "))).hasSize(1);
        assertThat(result.out().lines().filter(l -> l.endsWith("No such device or address")))
                .hasSize(1);
        assertThat(result.out().lines().filter(l -> l.endsWith("Operation not permitted")))
                .hasSize(8);
    }

    @Test
    void devicesAreNamedAsDockerNamesThem() throws IOException, InterruptedException {
        assertThat(run("\"device=1,2\"", "ls /dev/nvidia[0-9]").out())
                .isEqualTo("/dev/nvidia1\n/dev/nvidia2\n");
        assertThat(run("all", "ls /dev/nvidia[0-9]").out().lines()).hasSize(8);
        String listing = run("device=3", "nvidia-smi -L").out();
        String uuid = listing.replaceFirst("(?s).*UUID: (GPU-[0-9a-f-]+).*", "$1");
        assertThat(run("device=" + uuid, "ls /dev/nvidia[0-9]").out()).isEqualTo("/dev/nvidia3\n");
        Result unknown =
                docker.run("run", "--rm", "--network", "none", "--gpus", "device=9", "bb", "true");
        assertThat(unknown.code()).isEqualTo(125);
        assertThat(unknown.err()).contains("9");
    }

    @Test
    void inspectShowsTheRequest() throws IOException, InterruptedException {
        Result created =
                docker.run(
                        "create",
                        "--network",
                        "none",
                        "--gpus",
                        "2",
                        "--name",
                        "shown",
                        "bb",
                        "true");
        assertThat(created.code()).as(created.err()).isZero();
        JsonNode shown =
                JSON.readTree(
                        docker.run("inspect", "-f", "{{json .HostConfig.DeviceRequests}}", "shown")
                                .out());
        assertThat(shown.get(0).path("Count").asInt()).isEqualTo(2);
        assertThat(shown.get(0).path("Capabilities").get(0).get(0).asText()).isEqualTo("gpu");
        assertThat(docker.run("rm", "shown").code()).isZero();
    }
}
