package dev.berth.nvml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What needs no NVML: a library that is not there, and one that has none of the functions. The calls themselves are tested against the simulator, in gpu. */
class NvmlLibraryTest {
    @Test
    void aLibraryThatIsNotThereIsATypedFailureThatNamesIt() {
        NvmlException failure =
                catchThrowableOfType(
                        NvmlException.class,
                        () -> NvmlLibrary.load(Path.of("/nonexistent/libnvidia-ml.so.1")));
        assertThat(failure.returned()).isEqualTo(NvmlReturn.LIBRARY_NOT_FOUND);
        assertThat(failure.function()).isEqualTo("dlopen");
        assertThat(failure).hasMessageContaining("/nonexistent/libnvidia-ml.so.1");
    }

    @Test
    void functionsThatALibraryLacksAreATypedFailureWhenTheyAreCalled() throws Exception {
        try (NvmlLibrary libc = NvmlLibrary.load(libc())) {
            assertThatThrownBy(libc::init)
                    .isInstanceOf(NvmlException.class)
                    .hasMessage(
                            "nvmlInit_v2: FUNCTION_NOT_FOUND (13): this version of the driver does not have the function");
            assertThatThrownBy(libc::cudaVersion).isInstanceOf(NvmlException.class);
            assertThatThrownBy(() -> libc.deviceByUuid("GPU-0")).isInstanceOf(NvmlException.class);
            assertThat(libc.errorString(13)).isEmpty();
        }
    }

    @Test
    void aNumberThatIsNotListedIsKept() {
        NvmlException failure = new NvmlException("nvmlInit_v2", 77);
        assertThat(failure.returned()).isEqualTo(NvmlReturn.UNKNOWN);
        assertThat(failure.code()).isEqualTo(77);
        assertThat(failure).hasMessageContaining("(77)");
    }

    private static Path libc() throws IOException {
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            List<String> libraries =
                    maps.filter(line -> line.contains("/libc.") || line.contains("/libc-"))
                            .map(line -> line.substring(line.indexOf('/')))
                            .distinct()
                            .toList();
            return Path.of(libraries.getFirst());
        }
    }
}
