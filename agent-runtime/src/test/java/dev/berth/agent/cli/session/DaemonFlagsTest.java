package dev.berth.agent.cli.session;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

class DaemonFlagsTest {
    private static final List<String> ADDED =
            List.of(
                    "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
                    "-XX:CompileThresholdScaling=0.1");

    @TempDir private Path run;

    @Test
    void daemonHasNothingThatOnlyStartsQuickly() {
        assertEquals(
                List.of(ADDED.get(0), ADDED.get(1), "-XX:+UseSerialGC", "-cp", "lib/*"),
                Daemon.ofDaemon(
                        List.of(
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "-XX:-UsePerfData",
                                "-XX:AOTCache=" + run.resolve("cli.aot"),
                                "-cp",
                                "lib/*")));
    }

    @Test
    void daemonTakesTheCacheOfDaemonsWhereThereIsOne() throws IOException {
        Files.createFile(run.resolve("daemon.aot"));
        assertEquals(
                List.of(ADDED.get(0), ADDED.get(1), "-XX:AOTCache=" + run.resolve("daemon.aot")),
                Daemon.ofDaemon(List.of("-XX:AOTCache=" + run.resolve("cli.aot"))));
    }
}
