package dev.berth.shim;

import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Builds and runs the C programs of the tests; each prints `ok NAME` or `not ok NAME: WHY` lines. */
final class NativeProgram {
    /** Surefire runs in the module's directory. */
    static final Path MODULE = Path.of("").toAbsolutePath();

    static final Path OUT = MODULE.resolve("target");
    private static final long PATIENCE_S = 180;

    private NativeProgram() {}

    static void make(String target) throws IOException, InterruptedException {
        run(MODULE, List.of("make", "-s", "OUT=target", target));
    }

    /** The lines that the command printed; a status other than 0 or 1 (tests failed) fails with them. */
    static List<String> run(Path directory, List<String> command)
            throws IOException, InterruptedException {
        Path output = Files.createTempFile("native", ".out");
        try {
            Process process =
                    new ProcessBuilder(command)
                            .directory(directory.toFile())
                            .redirectErrorStream(true)
                            .redirectOutput(output.toFile())
                            .start();
            boolean ended = process.waitFor(PATIENCE_S, TimeUnit.SECONDS);
            if (!ended) {
                process.destroyForcibly().waitFor();
            }
            String text = Files.readString(output, StandardCharsets.UTF_8);
            Assertions.assertTrue(ended, command + " took too long:\n" + text);
            Assertions.assertTrue(
                    process.exitValue() == 0 || text.contains("not ok "),
                    command + " ended with " + process.exitValue() + ":\n" + text);
            return text.lines().toList();
        } finally {
            Files.delete(output);
        }
    }

    /** One test for each line; other lines are printed. */
    static Stream<DynamicTest> tests(List<String> lines) {
        List<DynamicTest> tests = new ArrayList<>();
        for (String line : lines) {
            if (line.startsWith("ok ")) {
                tests.add(DynamicTest.dynamicTest(line.substring(3), () -> {}));
            } else if (line.startsWith("not ok ")) {
                String name = line.substring(7);
                tests.add(DynamicTest.dynamicTest(name, () -> Assertions.fail(name)));
            } else {
                System.out.println(line);
            }
        }
        Assertions.assertFalse(tests.isEmpty(), "no test ran");
        return tests.stream();
    }
}
