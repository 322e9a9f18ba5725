package dev.berth.shim;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The shim's parsers, log and record under gcc's address and undefined-behaviour sanitizers. */
class SanitizedShimTest {
    @TestFactory
    Stream<DynamicTest> unit(@TempDir Path scratch) throws IOException, InterruptedException {
        NativeProgram.make("target/test/unit");
        return NativeProgram.tests(
                NativeProgram.run(
                        scratch, List.of(NativeProgram.OUT.resolve("test/unit").toString())));
    }

    @ParameterizedTest
    @ValueSource(strings = {"program", "packet", "log"})
    void fuzzCorpusIsSurvived(String target) throws IOException, InterruptedException {
        NativeProgram.make("target/test/replay-" + target);
        List<String> command = new ArrayList<>();
        command.add(NativeProgram.OUT.resolve("test/replay-" + target).toString());
        Path corpus = NativeProgram.MODULE.resolve("src/test/corpus").resolve(target);
        try (Stream<Path> files = Files.list(corpus)) {
            files.map(Path::toString).sorted().forEach(command::add);
        }
        assertThat(command).hasSizeGreaterThan(2);
        assertThat(NativeProgram.run(NativeProgram.MODULE, command))
                .containsExactly(command.size() - 1 + " inputs");
    }
}
