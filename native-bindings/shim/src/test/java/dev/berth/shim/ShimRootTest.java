package dev.berth.shim;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The shipped program on the real kernel: a C driver plays the agent (src/test/c/drive.c). */
@Tag("root")
class ShimRootTest {
    @TestFactory
    Stream<DynamicTest> drive(@TempDir Path scratch) throws IOException, InterruptedException {
        NativeProgram.make("target/test/drive");
        Path resources = NativeProgram.OUT.resolve("classes/dev/berth/shim");
        List<String> lines =
                NativeProgram.run(
                        scratch,
                        List.of(
                                NativeProgram.OUT.resolve("test/drive").toString(),
                                resources.resolve(ShimBinary.shim().resource()).toString(),
                                resources.resolve(ShimBinary.probe().resource()).toString()));
        assertThat(lines)
                .contains("# build " + Long.toUnsignedString(ShimBinary.shim().buildNumber()));
        return NativeProgram.tests(lines);
    }
}
