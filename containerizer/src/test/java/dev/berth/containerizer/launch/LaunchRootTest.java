package dev.berth.containerizer.launch;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;

/** Launch programs on the real kernel: what a process finds is what its configuration says. */
@Tag("root")
@SuppressWarnings("NullAway.Init")
class LaunchRootTest {
    @TempDir Path scratch;
    private RootLaunch launch;

    @BeforeEach
    void start() throws Exception {
        launch = new RootLaunch(scratch);
    }

    @AfterEach
    void end() {
        launch.close();
    }

    private String out(String script) throws Exception {
        RootLaunch.Result result = launch.run(launch.config("sh", "-c", script));
        assertThat(result.failure()).isEmpty();
        return result.output();
    }

    @Test
    void runsTheProgram() throws Exception {
        assertThat(out("echo hello; pwd; hostname")).isEqualTo("hello\n/\nbox\n");
    }
}
