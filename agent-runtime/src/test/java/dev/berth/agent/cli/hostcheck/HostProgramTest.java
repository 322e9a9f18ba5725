package dev.berth.agent.cli.hostcheck;

import static org.assertj.core.api.Assertions.assertThat;

import static java.util.Objects.requireNonNull;

import dev.berth.agent.cli.hostcheck.Finding.Area;
import dev.berth.agent.cli.hostcheck.Finding.State;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Our CUDA program with a libcuda.so.1 of the test's own, and with none. */
@Timeout(60)
class HostProgramTest {
    private static final String FIRST = "GPU-00010203-0405-0607-0809-0a0b0c0d0e0f";
    private static final String SECOND = "GPU-10111213-1415-1617-1819-1a1b1c1d1e1f";

    @TempDir Path root;

    private Target target(Map<String, String> environment) {
        return new Target("auto", root, root, environment);
    }

    private void library() throws Exception {
        Path folder = Files.createDirectories(root.resolve("usr/lib64"));
        Files.createFile(folder.resolve("libnvidia-ml.so.1"));
        Path source = root.resolve("libcuda.c");
        try (InputStream in =
                requireNonNull(HostProgramTest.class.getResourceAsStream("libcuda.c"))) {
            Files.copy(in, source);
        }
        String compiler = Optional.ofNullable(System.getenv("CC")).orElse("gcc");
        Process process =
                new ProcessBuilder(
                                compiler,
                                "-shared",
                                "-fPIC",
                                "-Wall",
                                "-Werror",
                                "-o",
                                folder.resolve("libcuda.so.1").toString(),
                                source.toString())
                        .inheritIO()
                        .start();
        assertThat(process.waitFor()).isZero();
    }

    @Test
    void itHoldsItsMemoryUntilItIsLetGoAndComputesRight() throws Exception {
        library();
        assertThat(target(Map.of()).hasCuda()).isTrue();
        try (HostProgram program = HostProgram.start(target(Map.of()), root.resolve("out"))) {
            assertThat(program.awaitHolding()).isTrue();
            assertThat(Path.of("/proc/" + program.pid())).isDirectory();
            Once.Ended ended = program.finish();
            assertThat(ended.code()).as(ended.output()).isZero();
            List<Finding> findings =
                    CudaOutput.of(ended.output())
                            .judge(Area.NVML, Set.of(FIRST, SECOND), ended.code());
            assertThat(findings).extracting(Finding::state).containsOnly(State.PASSED);
            assertThat(
                            CudaOutput.of(ended.output())
                                    .judge(Area.CUDA, Set.of(FIRST), ended.code())
                                    .getFirst()
                                    .state())
                    .isEqualTo(State.FAILED);
        }
    }

    @Test
    void aWrongSumIsSeen() throws Exception {
        library();
        Target wrong = target(Map.of("BERTH_TEST_WRONG", "1"));
        try (HostProgram program = HostProgram.start(wrong, root.resolve("out"))) {
            Once.Ended ended = program.finish();
            assertThat(ended.code()).isEqualTo(1);
            assertThat(
                            CudaOutput.of(ended.output())
                                    .judge(Area.NVML, Set.of(FIRST, SECOND), ended.code())
                                    .getLast()
                                    .state())
                    .isEqualTo(State.FAILED);
        }
    }

    @Test
    void withoutTheDriversLibraryItSaysSo() throws Exception {
        assertThat(target(Map.of()).hasCuda()).isFalse();
        try (HostProgram program = HostProgram.start(target(Map.of()), root.resolve("out"))) {
            assertThat(program.awaitHolding()).isFalse();
            Once.Ended ended = program.finish();
            assertThat(ended.code()).isEqualTo(2);
            assertThat(ended.output()).contains("dlopen", "libcuda.so.1");
        }
    }
}
