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
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** {@code berth devicekit run}: green with the fence, red without it. */
@Tag("conformance")
@Timeout(180)
class DevicekitTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir Path directory;

    private static Outcome run(String... words) throws Exception {
        List<String> all = new ArrayList<>(List.of("devicekit", "run"));
        all.addAll(List.of(words));
        Process process =
                new ProcessBuilder(CommandLine.command(all.toArray(new String[0]))).start();
        return CommandLine.finish(process, new byte[0]);
    }

    private static List<Path> leftovers() throws Exception {
        List<Path> found = new ArrayList<>(Cgroups.named("berth-devicekit-"));
        try (Stream<Path> run = Files.list(Path.of("/run"))) {
            run.filter(p -> p.getFileName().toString().startsWith("berth-devicekit-"))
                    .forEach(found::add);
        }
        return found;
    }

    @Test
    void everyCellIsGreenAndNothingIsLeft() throws Exception {
        Path junit = directory.resolve("kit.xml");
        Path json = directory.resolve("kit.json");
        Outcome outcome = run("--junit", junit.toString(), "--json", json.toString());
        assertThat(outcome.code()).as(outcome.out() + outcome.err()).isZero();
        assertThat(outcome.out())
                .contains(
                        "at start, container kit-first",
                        "beside a second container, container kit-second",
                        "after a live attach",
                        "after a live detach",
                        "while no agent runs",
                        "after the agent's restart",
                        "GREEN: ",
                        "nothing is left behind");
        JsonNode all = JSON.readTree(json.toFile());
        assertThat(all.path("Passed").asBoolean()).isTrue();
        Set<String> stages = new TreeSet<>();
        int denied = 0;
        for (JsonNode group : all.path("Groups")) {
            stages.add(group.path("Stage").asText());
            denied += group.path("Got").asText().equals("EPERM") ? group.path("Paths").size() : 0;
        }
        assertThat(stages).hasSize(9);
        assertThat(denied).isGreaterThan(500);
        assertThat(Files.readString(junit)).contains("failures=\"0\"");
        assertThat(leftovers()).isEmpty();
    }

    @Test
    void characterDevicesOfAnyVendorAreFencedAlike() throws Exception {
        Path file = directory.resolve("accel.json");
        Files.writeString(
                file,
                """
                {"resources": [{"name": "accel", "resourceName": "example.com/accel",
                  "devices": [{"id": "left", "nodes": [{"path": "/dev/accel-left", "major": 121, "minor": 0}]},
                              {"id": "right", "nodes": [{"path": "/dev/accel-right", "major": 121, "minor": 1}]}],
                  "controlNodes": [{"path": "/dev/accel-ctl", "major": 121, "minor": 255}],
                  "withheldNodes": [{"path": "/dev/accel-admin", "major": 122, "minor": 0}]}]}
                """);
        Outcome outcome = run("--provider", "chardev:" + file);
        assertThat(outcome.code()).as(outcome.out() + outcome.err()).isZero();
        assertThat(outcome.out())
                .contains("2 devices of example.com/accel", "after a live detach", "GREEN: ");
    }

    @Test
    void oneDeviceHasNoSiblingAndThatIsSaid() throws Exception {
        Outcome outcome = run("--provider", "nvidia-sim:1xA30");
        assertThat(outcome.code()).as(outcome.out() + outcome.err()).isZero();
        assertThat(outcome.out()).contains("skipped: beside a second container", "GREEN: ");
    }

    @Test
    void withoutTheDeviceProgramItIsRed() throws Exception {
        Path json = directory.resolve("kit.json");
        Outcome outcome = run("--without-fence", "--json", json.toString());
        assertThat(outcome.code()).as(outcome.out() + outcome.err()).isEqualTo(1);
        assertThat(outcome.out()).contains("RED: ").contains("got ENXIO, want EPERM");
        Set<String> red = new TreeSet<>();
        for (JsonNode group : JSON.readTree(json.toFile()).path("Groups")) {
            if (group.path("Verdict").asText().equals("red")) {
                red.add(group.path("Stage").asText());
            }
        }
        // At each of its stages: a gap at any of them would be seen.
        assertThat(red).hasSize(9);
        assertThat(leftovers()).isEmpty();
    }
}
