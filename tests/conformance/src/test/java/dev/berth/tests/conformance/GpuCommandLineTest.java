package dev.berth.tests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import dev.berth.tests.conformance.CommandLine.Outcome;
import dev.berth.tests.kit.AgentProcess;
import dev.berth.tests.kit.BusyboxRoot;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code berth gpu …} and {@code berth run --gpus} on an agent with eight simulated GPUs. */
@Tag("conformance")
@Timeout(120)
class GpuCommandLineTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir static Path directory;
    private static AgentProcess agent;
    private static CommandLine berth;
    private static String root;

    @BeforeAll
    static void startAgent() throws Exception {
        root = BusyboxRoot.make(directory.resolve("root")).toString();
        agent =
                AgentProcess.start(
                        directory.resolve("a"), List.of(), List.of("--gpus", "sim:8xH100"));
        berth = new CommandLine(agent.socket());
    }

    @AfterAll
    static void endAgent() {
        if (agent != null) {
            agent.close();
        }
    }

    @AfterEach
    void everyGpuComesBack() throws Exception {
        for (String id : ok("ps", "-aq").lines().toList()) {
            ok("rm", "-f", id);
        }
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (devices("FREE").size() < 8) {
            assertThat(System.nanoTime()).as(ok("gpu", "ls")).isLessThan(deadline);
        }
    }

    private static String ok(String... words) throws Exception {
        Outcome outcome = berth.run(words);
        assertThat(outcome.code()).as(outcome.out() + outcome.err()).isZero();
        return outcome.out();
    }

    private static List<JsonNode> devices() throws Exception {
        List<JsonNode> devices = new ArrayList<>();
        for (String line : ok("gpu", "ls", "--format", "json").lines().toList()) {
            devices.add(JSON.readTree(line));
        }
        return devices;
    }

    private static List<String> devices(String state) throws Exception {
        List<String> ids = new ArrayList<>();
        for (JsonNode device : devices()) {
            if (device.path("State").asText().equals(state)) {
                ids.add(device.path("Id").asText());
            }
        }
        return ids;
    }

    @Test
    void theNodesGpusAreShown() throws Exception {
        assertThat(ok("gpu", "ls"))
                .startsWith("8 devices of nvidia.com/gpu, driver ")
                .contains("H100", "free", "healthy")
                .hasLineCount(10);
        assertThat(ok("gpu", "topo")).contains("NV18", "NV#  over # NVLinks");
        assertThat(ok("gpu", "top", "--no-stream")).contains(" %", " GiB").contains("no process");
        assertThat(ok("gpu", "health")).contains("healthy").hasLineCount(8);
        for (String verb : List.of("ls", "topo", "top", "health")) {
            for (String line : ok("gpu", verb, "--format", "json").lines().toList()) {
                assertThat(JSON.readTree(line).isObject()).isTrue();
            }
        }
    }

    @Test
    void aContainerHasItsGpusAndNoOther() throws Exception {
        String script = "ls /dev; nvidia-smi -L; cat /dev/nvidia0 /dev/nvidia1 2>&1; sleep 1000";
        ok(
                "run",
                "-d",
                "--name",
                "two",
                "--gpus",
                "device=0,1",
                "--rootfs",
                root,
                "sh",
                "-c",
                script);
        List<String> held = devices("GRANTED");
        assertThat(held).hasSize(2);
        assertThat(ok("gpu", "ls")).contains("granted").contains("two");
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        String output = "";
        while (!output.contains("/dev/nvidia1")) {
            assertThat(System.nanoTime()).as(output).isLessThan(deadline);
            output = ok("logs", "two");
        }
        assertThat(output)
                .contains("nvidia0\n", "nvidia1\n", "nvidiactl\n", "nvidia-uvm\n")
                .doesNotContain("nvidia2\n")
                .contains("cat: can't open '/dev/nvidia0': No such device or address");
        assertThat(output.lines().filter(line -> line.startsWith("GPU ")).toList())
                .hasSize(2)
                .allMatch(line -> held.stream().anyMatch(line::contains));
    }

    @Test
    void tooManyAreRefusedAndExplained() throws Exception {
        ok("run", "-d", "--name", "most", "--gpus", "7", "--rootfs", root, "sleep", "1000");
        Outcome more = berth.run("run", "--rm", "--gpus", "2", "--rootfs", root, "true");
        assertThat(more.code()).isEqualTo(125);
        assertThat(more.err()).contains("GPU");
        Outcome explained = berth.run("gpu", "explain", "2");
        assertThat(explained.code()).isEqualTo(1);
        assertThat(explained.out()).startsWith("refused: ");
        assertThat(ok("gpu", "explain", "1")).startsWith("chosen: GPU");
        JsonNode answer = JSON.readTree(ok("gpu", "explain", "--format", "json", "1"));
        assertThat(answer.path("Chosen")).hasSize(1);
        assertThat(
                        ok(
                                "run",
                                "--rm",
                                "--device",
                                "nvidia.com/gpu=" + answer.path("Chosen").get(0).asText(),
                                "--rootfs",
                                root,
                                "sh",
                                "-c",
                                "ls /dev | grep -c 'nvidia[0-9]'"))
                .isEqualTo("1\n");
    }

    @Test
    void aRunningContainerGainsAndLosesAGpu() throws Exception {
        ok("run", "-d", "--name", "live", "--rootfs", root, "sleep", "1000");
        assertThat(berth.run("exec", "live", "sh", "-c", "ls /dev/nvidia*").code()).isNotZero();
        String id = ok("gpu", "attach", "live").strip();
        assertThat(devices("GRANTED")).containsExactly(id);
        Outcome opened = berth.run("exec", "live", "sh", "-c", "cat /dev/nvidia[0-9]");
        assertThat(opened.err()).contains("No such device or address");
        assertThat(ok("gpu", "detach", "--all", "live").strip()).isEqualTo(id);
        assertThat(berth.run("exec", "live", "sh", "-c", "ls /dev/nvidia[0-9]").code()).isNotZero();
    }
}
