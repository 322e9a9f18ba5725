package dev.berth.gpu.simulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** simctl under the address and undefined-behaviour sanitizers: it reads what people write. */
@Timeout(300)
class SanitizedControlTest {
    private static final long SEED = 20261122;

    private static final List<String> WORDS =
            List.of(
                    "xid",
                    "ecc",
                    "remap",
                    "sram",
                    "recovery",
                    "lost",
                    "required",
                    "removed",
                    "fail",
                    "slow",
                    "hang",
                    "mismatch",
                    "stuck-memory",
                    "stuck-process",
                    "set",
                    "nvlink",
                    "reset",
                    "clear",
                    "kmsg",
                    "event",
                    "0",
                    "1",
                    "7",
                    "8",
                    "-1",
                    "on",
                    "off",
                    "all",
                    "faults",
                    "gpu",
                    "pending=1",
                    "function=init",
                    "gpu=1",
                    "gpu=99",
                    "from=2",
                    "times=18446744073709551615",
                    "99999999999999999999",
                    "\"",
                    "a b",
                    "corrected",
                    "uncorrected",
                    "temperature",
                    "-",
                    "ever",
                    "ghosts",
                    "=",
                    "#",
                    "x".repeat(600),
                    "up",
                    "error",
                    "0x7f",
                    "threshold=1");

    private int simctl(Path program, Path state, String verb, String input) throws Exception {
        Path output = Files.createTempFile("simctl", ".out");
        try {
            Process process =
                    new ProcessBuilder(program.toString(), state.toString(), verb)
                            .redirectErrorStream(true)
                            .redirectOutput(output.toFile())
                            .start();
            try (var out = process.getOutputStream()) {
                out.write(input.getBytes(StandardCharsets.UTF_8));
            } catch (java.io.IOException e) {
                // It stops reading at the first wrong line.
                assertTrue(String.valueOf(e.getMessage()).contains("Broken pipe"), e::toString);
            }
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            String said = Files.readString(output, StandardCharsets.ISO_8859_1);
            assertTrue(
                    process.exitValue() >= 0
                            && process.exitValue() <= 2
                            && !said.contains("Sanitizer")
                            && !said.contains("runtime error"),
                    () ->
                            verb
                                    + " ended with "
                                    + process.exitValue()
                                    + " for:\n"
                                    + input
                                    + "\n"
                                    + said);
            return process.exitValue();
        } finally {
            Files.delete(output);
        }
    }

    @Test
    void neitherCommandsNorRubbishBreakIt(@TempDir Path dir) throws Exception {
        Path program = Native.built("simctl-checked");
        Path state = dir.resolve("state");
        for (String name : Machine.SHIPPED) {
            String description =
                    MachineDescription.of(
                            Machine.shipped(name), "f", dir.resolve("kmsg").toString());
            assertEquals(0, simctl(program, state, "create", description));
            assertEquals(0, simctl(program, state, "show", ""));
        }
        assertEquals(0, simctl(program, state, "apply", "ecc 0 uncorrected 1\nclear all\n"));
        Random random = new Random(SEED);
        for (int round = 0; round < 120; round++) {
            StringBuilder lines = new StringBuilder();
            for (int line = 0; line < 6; line++) {
                for (int word = random.nextInt(6); word >= 0; word--) {
                    lines.append(WORDS.get(random.nextInt(WORDS.size()))).append(' ');
                }
                lines.append('\n');
            }
            simctl(program, state, "apply", lines.toString());
        }
        assertEquals(0, simctl(program, state, "apply", "clear all\nclear ghosts\n"));
        assertEquals(2, simctl(program, dir.resolve("none"), "create", "gpu 0 colour red\n"));
        assertEquals(2, simctl(program, dir.resolve("none"), "create", "gpu 99 minor 1\n"));
        assertEquals(1, simctl(program, dir.resolve("none"), "show", ""));
    }
}
