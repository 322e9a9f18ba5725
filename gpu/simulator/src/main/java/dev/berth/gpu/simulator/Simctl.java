package dev.berth.gpu.simulator;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.process.HelperCommand;
import dev.berth.linux.process.HelperProcess;
import dev.berth.linux.process.HelperResult;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Runs {@code simctl}, the only program that makes or changes the state from outside: the layout is known to C alone. */
record Simctl(Linux linux, Path program, Path state) {
    private static final Duration DEADLINE = Duration.ofSeconds(10);
    private static final int MAX_OUTPUT_BYTES = 1 << 20;

    /**
     * One run.
     *
     * @param extra how much longer than usual it may take, for commands that wait
     * @return what it printed
     */
    String run(String verb, String input, Duration extra) throws SimulatorException {
        HelperResult result;
        try {
            result =
                    HelperProcess.run(
                            linux,
                            HelperCommand.of(
                                    program.toString(),
                                    List.of("simctl", state.toString(), verb),
                                    Map.of()),
                            input.getBytes(StandardCharsets.UTF_8),
                            DEADLINE.plus(extra),
                            MAX_OUTPUT_BYTES);
        } catch (ErrnoException e) {
            throw new SimulatorException("run " + program, e);
        }
        if (!result.succeeded()) {
            throw new SimulatorException("simctl " + verb + " " + state + ": " + result.describe());
        }
        return new String(result.output(), StandardCharsets.UTF_8);
    }
}
