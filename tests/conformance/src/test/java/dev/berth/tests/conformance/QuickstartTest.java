package dev.berth.tests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.tests.conformance.CommandLine.Outcome;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** {@code berth quickstart}: what a newcomer runs first. */
@Tag("conformance")
@Timeout(120)
class QuickstartTest {
    private static final String NAME = "berth-quickstart-";

    private static List<Path> leftovers() throws IOException {
        List<Path> found = new ArrayList<>(Cgroups.named(NAME));
        try (Stream<Path> run = Files.list(Path.of("/run"))) {
            run.filter(p -> p.getFileName().toString().startsWith(NAME)).forEach(found::add);
        }
        ProcessHandle.allProcesses()
                .filter(p -> p.info().commandLine().orElse("").contains("/" + NAME))
                .forEach(p -> found.add(Path.of("/proc/" + p.pid())));
        return found;
    }

    @Test
    void itShowsTheIsolationAndLeavesNothing() throws Exception {
        Process process = new ProcessBuilder(CommandLine.command("quickstart")).start();
        Outcome outcome = CommandLine.finish(process, new byte[0]);
        assertThat(outcome.code()).as(outcome.err()).isZero();
        assertThat(outcome.out())
                .containsPattern("started an agent, which reported .*[1-9]\\d* GPU")
                .contains("process       pid 1, parent 0, user 0:0")
                .contains("hostname      quickstart")
                .contains("its own: mnt pid net ipc uts cgroup")
                .contains("seccomp       filter (mode 2)")
                .contains("EPERM")
                .contains("before clone3");
        assertJobsTimeline(outcome.out());
        assertThat(leftovers()).isEmpty();
    }

    /** Each step of an offer cycle in its order, none before the one above it, in the cold run and in the warm one. */
    static void assertJobsTimeline(String out) {
        assertThat(out).contains("berth job run --gpus 1 - nvidia-smi -L");
        assertThat(out).containsPattern("printed     GPU 0: .*UUID: GPU-");
        List<String> steps = new ArrayList<>();
        double cold = 0;
        double warm = 0;
        Matcher line =
                Pattern.compile("(?m)^  ([A-Za-z]+) +([\\d.]+) +([\\d.]+) +\\+[\\d.]+  ")
                        .matcher(out);
        while (line.find()) {
            steps.add(line.group(1));
            assertThat(Double.parseDouble(line.group(2))).as(out).isGreaterThanOrEqualTo(cold);
            assertThat(Double.parseDouble(line.group(3))).as(out).isGreaterThanOrEqualTo(warm);
            cold = Double.parseDouble(line.group(2));
            warm = Double.parseDouble(line.group(3));
        }
        assertThat(steps)
                .containsExactly(
                        "submitted",
                        "subscribed",
                        "offered",
                        "accepted",
                        "STARTING",
                        "RUNNING",
                        "FINISHED");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "started a master", "ran a job", "ran it in a container"})
    void anInterruptLeavesNothing(String after) throws Exception {
        // A run in the background of a script inherits SIGINT ignored, and a JVM keeps it so.
        List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT"));
        command.addAll(CommandLine.command("quickstart"));
        Process process = new ProcessBuilder(command).start();
        try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
            if (after.isEmpty()) {
                awaitRoot();
            }
            for (String line = ""; !after.isEmpty() && !line.contains(after); ) {
                line = out.readLine();
                assertThat(line).as("it ended before it said '" + after + "'").isNotNull();
            }
            new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
            while (out.readLine() != null) {
                // To its end.
            }
        }
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isEqualTo(130);
        assertThat(leftovers()).isEmpty();
    }

    /** The moment in which the agent is about to be started. */
    private static void awaitRoot() throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (leftovers().isEmpty()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
        }
    }
}
