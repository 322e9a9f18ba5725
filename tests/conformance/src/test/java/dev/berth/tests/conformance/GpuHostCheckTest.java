package dev.berth.tests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import dev.berth.tests.conformance.CommandLine.Outcome;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** {@code berth gpu-host-check} on a machine with simulated GPUs: all but CUDA. */
@Tag("conformance")
@Timeout(120)
class GpuHostCheckTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir Path directory;

    private static Outcome run(String... words) throws Exception {
        List<String> all = new ArrayList<>(List.of("gpu-host-check"));
        all.addAll(List.of(words));
        Process process =
                new ProcessBuilder(CommandLine.command(all.toArray(new String[0]))).start();
        return CommandLine.finish(process, new byte[0]);
    }

    private static List<Path> leftovers() throws Exception {
        List<Path> found = new ArrayList<>(Cgroups.named("berth-gpu-host-check-"));
        try (Stream<Path> run = Files.list(Path.of("/run"))) {
            run.filter(p -> p.getFileName().toString().startsWith("berth-gpu-host-check-"))
                    .forEach(found::add);
        }
        return found;
    }

    @Test
    void eightSimulatedGpusPassAndCudaIsSkippedByName() throws Exception {
        Path json = directory.resolve("facts.json");
        Outcome outcome = run("--gpus", "sim:8xH100", "--json", json.toString());
        assertThat(outcome.code()).as(outcome.out() + outcome.err()).isZero();
        assertThat(outcome.out())
                .contains(
                        "no libcuda.so.1 ",
                        "our program ran in the container",
                        "PASSED: ",
                        ", 0 failed, ");
        JsonNode all = JSON.readTree(json.toFile());
        Map<String, String> states = new TreeMap<>();
        for (JsonNode finding : all.path("Findings")) {
            String name = finding.path("Area").asText() + "/" + finding.path("Name").asText();
            states.put(name, finding.path("State").asText());
        }
        assertThat(states)
                .containsEntry("nvml/discovery", "passed")
                .containsEntry("nvml/readings", "passed")
                .containsEntry("smi/uuid", "passed")
                .containsEntry("smi/memory.total", "passed")
                .containsEntry("smi/clocks.mem", "passed")
                .containsEntry("smi/compute processes", "passed")
                .containsEntry("container/its GPU opens", "passed")
                .containsEntry("container/other GPUs are denied", "passed")
                .containsEntry("container/withheld nodes are denied", "passed")
                .containsEntry("container/nvidia-smi -L", "passed")
                .containsEntry("container/metrics", "passed")
                .containsEntry("cuda/everything", "skipped")
                .containsEntry("after/verified clean", "passed")
                .containsEntry("after/memory at its baseline", "passed")
                .containsEntry("after/the check itself", "passed");
        assertThat(all.path("Facts").path("Devices")).hasSize(8);
        assertThat(all.path("TimingsMs").path("start with a GPU").path("Count").asInt())
                .isEqualTo(20);
        assertThat(leftovers()).isEmpty();
    }

    @Test
    void anUnknownMachineIsAnError() throws Exception {
        Outcome outcome = run("--gpus", "sim:no-such-machine");
        assertThat(outcome.code()).isNotZero();
        assertThat(outcome.err()).contains("no-such-machine");
        assertThat(leftovers()).isEmpty();
    }
}
