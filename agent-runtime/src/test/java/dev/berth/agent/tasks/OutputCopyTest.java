package dev.berth.agent.tasks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.containerizer.log.LogWriter;
import dev.berth.linux.Linux;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Output on its way into a sandbox; the lane's jobs run when the test says so. */
class OutputCopyTest {
    private static final String LINE = "x".repeat(16_000);

    @TempDir Path directory;
    private final HandDrivenHost host = new HandDrivenHost();
    private final List<String> ran = new ArrayList<>();
    private Path sandbox;
    private LogWriter log;
    private OutputCopy copy;

    @BeforeEach
    void begin() throws IOException {
        host.laneWaits = true;
        sandbox = Files.createDirectory(directory.resolve("sandbox"));
        Path logs = Files.createDirectory(directory.resolve("log"));
        log = new LogWriter(logs, 2);
        copy = new OutputCopy(host, Linux.host(), logs, sandbox, directory.resolve("mark"));
    }

    private void write(int lines) throws IOException {
        for (int i = 0; i < lines; i++) {
            log.write(1, 1, LINE);
        }
    }

    @Test
    void aTaskThatNeverStopsWritingKeepsTheLaneFromNobody() throws IOException {
        write(500);
        copy.refresh(() -> ran.add("copied"));
        host.onLane(() -> ran.add("another"));
        int turns = 0;
        while (!ran.contains("copied")) {
            assertThat(turns++).as("turns on the lane").isLessThan(20);
            assertThat(host.runLane()).isTrue();
            // Faster than it can be copied.
            write(400);
        }
        assertThat(ran).containsExactly("another", "copied");
        assertThat(Files.size(sandbox.resolve("stdout"))).isGreaterThanOrEqualTo(500 * 16_000L);
    }

    @Test
    void whatWasWrittenBeforeTheCallIsThereAlsoWhereACopyIsUnderWay() throws IOException {
        write(1);
        copy.refresh();
        write(1);
        log.rotate();
        write(1);
        copy.refresh(() -> ran.add("copied"));
        // Nobody waits for these.
        copy.refresh();
        copy.refresh();
        while (host.runLane()) {
            // Goes on.
        }
        assertThat(ran).containsExactly("copied");
        assertThat(Files.size(sandbox.resolve("stdout"))).isEqualTo(3 * 16_000L);
    }

    @Test
    void manyMayWaitForOneCopyThatTakesLong() {
        for (int i = 0; i < 100_000; i++) {
            copy.refresh(() -> ran.add(""));
        }
        while (host.runLane()) {
            // Goes on.
        }
        assertThat(ran).hasSize(100_000);
    }
}
