package dev.berth.agent.tasks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.berth.agent.config.AgentArguments;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.SandboxRetention;
import dev.berth.linux.Linux;

import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** When sandboxes go, by a clock that the test moves; and that nothing else goes with them. */
class SandboxCollectorTest {
    private static final long HOUR_NS = Duration.ofHours(1).toNanos();
    private static final String RUN = "frameworks/f/executors/e/runs/berth-0123456789abcdef";

    @TempDir Path directory;
    private final HandDrivenHost host = new HandDrivenHost();
    private final Set<Path> live = new HashSet<>();
    private TaskPaths paths;
    private @org.jspecify.annotations.Nullable SandboxCollector collector;

    @BeforeEach
    void begin() {
        paths = new TaskPaths(directory.resolve("data"));
        restart();
    }

    /** Another agent on the same files. */
    private void restart() {
        if (collector != null) {
            collector.stop();
        }
        collector =
                new SandboxCollector(
                        host,
                        Linux.host(),
                        paths,
                        new SandboxRetention(7 * HOUR_NS, 0.1),
                        () -> Set.copyOf(live));
        collector.start();
    }

    private Path sandbox(String run) throws IOException {
        Path made = paths.sandboxes().resolve(run);
        Files.createDirectories(made);
        Files.writeString(made.resolve("stdout"), "x");
        return made;
    }

    @Test
    void anEmptyDiskKeepsThemNineTenthsOfTheDelay() throws IOException {
        Path run = sandbox(RUN);
        Files.createSymbolicLink(run.resolveSibling("latest"), run.getFileName());
        collector.ended(run);
        host.pass(6 * HOUR_NS);
        assertThat(run.resolve("stdout")).exists();
        assertThat(collector.metrics()).containsEntry("gc/path_removals_pending", 1.0);
        // 7 h * (1 - 0.1) are 6 h 18 min.
        host.pass(Duration.ofMinutes(17).toNanos());
        assertThat(run).exists();
        host.pass(Duration.ofMinutes(2).toNanos());
        assertThat(run).doesNotExist();
        assertThat(paths.sandboxes().resolve("frameworks")).doesNotExist();
        assertThat(paths.trash()).isEmptyDirectory();
        assertThat(paths.endings()).isEmptyDirectory();
        assertThat(collector.metrics())
                .containsEntry("gc/path_removals_succeeded", 1.0)
                .containsEntry("gc/path_removals_pending", 0.0);
    }

    @Test
    void aFullerDiskKeepsThemShorter() throws IOException {
        Path run = sandbox(RUN);
        collector.ended(run);
        host.usage = 0.4;
        host.pass(3 * HOUR_NS);
        assertThat(run).exists();
        host.pass(HOUR_NS);
        assertThat(run).doesNotExist();
        Path next = sandbox(RUN + "0");
        collector.ended(next);
        host.usage = 0.95;
        host.pass(SandboxCollector.EVERY_NS);
        assertThat(next).as("no room: at once").doesNotExist();
    }

    @Test
    void whatIsNotOverForGoodStays() throws IOException {
        Path run = sandbox(RUN);
        live.add(run);
        host.usage = 1;
        host.pass(30 * HOUR_NS);
        assertThat(run.resolve("stdout")).exists();
        // Also when a file says that it has ended.
        collector.ended(run);
        host.pass(30 * HOUR_NS);
        assertThat(run.resolve("stdout")).exists();
        assertThat(paths.endings()).isEmptyDirectory();
    }

    @Test
    void anotherRunOfTheExecutorStays() throws IOException {
        Path run = sandbox(RUN);
        Path other = sandbox(RUN + "0");
        Files.createSymbolicLink(run.resolveSibling("latest"), other.getFileName());
        live.add(other);
        collector.ended(run);
        host.pass(7 * HOUR_NS);
        assertThat(run).doesNotExist();
        assertThat(other.resolve("stdout")).exists();
        assertThat(run.resolveSibling("latest")).isSymbolicLink();
    }

    @Test
    void theNextAgentGoesOn() throws IOException {
        Path run = sandbox(RUN);
        collector.ended(run);
        host.pass(4 * HOUR_NS);
        restart();
        host.pass(2 * HOUR_NS);
        assertThat(run).exists();
        restart();
        host.pass(HOUR_NS);
        assertThat(run).doesNotExist();
    }

    @Test
    void oneThatNobodyKnowsBeginsToAgeWhenItIsFound() throws IOException {
        Path run = sandbox(RUN);
        restart();
        host.pass(6 * HOUR_NS);
        assertThat(run).exists();
        host.pass(HOUR_NS);
        assertThat(run).doesNotExist();
    }

    @Test
    void whatIsFoundWhileTheDiskIsFullIsNotRemovedInTheSamePass() throws IOException {
        // It may be of a task that was launched while the pass ran.
        host.usage = 1;
        Path run = sandbox(RUN);
        restart();
        assertThat(run).exists();
        live.add(run);
        host.pass(30 * HOUR_NS);
        assertThat(run).exists();
    }

    @Test
    void linksAreRemovedAndNotFollowed() throws IOException {
        Path precious = Files.createDirectories(directory.resolve("precious/below"));
        Path file = Files.writeString(precious.resolve("file"), "keep");
        Path run = sandbox(RUN);
        Files.createSymbolicLink(run.resolve("out"), precious);
        Files.createSymbolicLink(run.resolve("up"), Path.of("../../../../../.."));
        Files.createLink(run.resolve("hard"), file);
        Path deep = run;
        for (int i = 0; i < 150; i++) {
            deep = Files.createDirectory(deep.resolve("d"));
        }
        Files.createSymbolicLink(deep.resolve("file"), file);
        collector.ended(run);
        host.pass(7 * HOUR_NS);
        assertThat(run).doesNotExist();
        assertThat(paths.trash()).isEmptyDirectory();
        assertThat(file).hasContent("keep");
    }

    @Test
    void aRunThatBecameALinkLeadsNowhere() throws IOException {
        Path precious = Files.createDirectories(directory.resolve("precious"));
        Files.writeString(precious.resolve("file"), "keep");
        Path run = paths.sandboxes().resolve(RUN);
        Files.createDirectories(run.getParent());
        Files.createSymbolicLink(run, precious);
        collector.ended(run);
        host.pass(7 * HOUR_NS);
        assertThat(precious.resolve("file")).hasContent("keep");
    }

    @Test
    void filesThatTellOfAnotherPlaceAreNotBelieved() throws IOException {
        Path precious = Files.createDirectories(paths.dataRoot().resolve("precious"));
        Files.createDirectories(paths.endings());
        Files.writeString(paths.endings().resolve("precious"), "1 ../precious\n");
        Files.writeString(paths.endings().resolve("other"), "1 frameworks\n");
        Files.writeString(paths.endings().resolve("torn"), "17");
        host.pass(7 * HOUR_NS);
        assertThat(precious).exists();
        assertThat(paths.endings()).isEmptyDirectory();
    }

    @Test
    void aClockThatWasSetBackDoesNotKeepThemForEver() throws IOException {
        Path run = sandbox(RUN);
        Files.createDirectories(paths.endings());
        Files.writeString(
                paths.endings().resolve(run.getFileName()),
                host.realtimeNs() + 1000 * HOUR_NS + " " + RUN + "\n");
        host.pass(HOUR_NS);
        assertThat(run).exists();
        host.pass(7 * HOUR_NS);
        assertThat(run).doesNotExist();
    }

    @Test
    void aRemovalThatWasCutShortIsGoneOnWith() throws IOException {
        Files.createDirectories(paths.trash().resolve("berth-1/a/b"));
        restart();
        assertThat(paths.trash()).isEmptyDirectory();
    }

    @Test
    void theFlagsSayHowLong() throws AgentException {
        SandboxRetention retention =
                AgentArguments.parse(
                                List.of(
                                        "--master",
                                        "http://m:5050",
                                        "--gc-delay",
                                        "2days",
                                        "--gc-disk-headroom=0.25"))
                        .master()
                        .orElseThrow()
                        .retention();
        assertThat(retention.delayNs()).isEqualTo(48 * HOUR_NS);
        assertThat((double) retention.ageNs(0.25)).isCloseTo(24 * HOUR_NS, within(1e6));
        // Mesos: a week, and a tenth of the disk.
        assertThat((double) SandboxRetention.DEFAULT.ageNs(0.3))
                .isCloseTo(7 * 24 * HOUR_NS * 0.6, within(1e6));
        for (List<String> wrong :
                List.of(
                        List.of("--gc-delay", "2"),
                        List.of("--gc-delay", "-1days"),
                        List.of("--gc-disk-headroom", "1.1"),
                        List.of("--gc-disk-headroom", "NaN"))) {
            Assertions.assertThatThrownBy(() -> AgentArguments.parse(wrong))
                    .hasMessageContaining(wrong.getFirst());
        }
    }
}
