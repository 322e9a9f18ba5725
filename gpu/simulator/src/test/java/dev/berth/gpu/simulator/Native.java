package dev.berth.gpu.simulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.berth.linux.Linux;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A simulator and the native programs that the tests run against it. */
final class Native implements AutoCloseable {
    /** What /proc/devices says where no driver of ours or anybody's is. */
    static final String DEVICES =
            """
            Character devices:
              1 mem
             10 misc
            235 hidraw
            510 other

            Block devices:
            259 blkext
            """;

    private static final long PATIENCE_S = 120;

    final Simulator simulator;
    private final List<Process> started = new ArrayList<>();

    Native(Path directory, String machine) throws SimulatorException {
        simulator = Simulator.start(Linux.host(), directory, Machine.shipped(machine), DEVICES);
    }

    /** What a program printed and how it ended. */
    record Outcome(int code, List<String> lines) {
        String first() {
            return lines.isEmpty() ? "" : lines.get(0);
        }
    }

    /** Surefire runs in the module's directory. */
    static Path built(String program) throws IOException, InterruptedException {
        Outcome made = run(Map.of(), "make", "-s", "OUT=target", "target/test/" + program);
        assertEquals(0, made.code, made.lines.toString());
        return Path.of("target/test").resolve(program).toAbsolutePath();
    }

    static Outcome run(Map<String, String> environment, String... command)
            throws IOException, InterruptedException {
        Path output = Files.createTempFile("native", ".out");
        try {
            ProcessBuilder builder = new ProcessBuilder(command);
            builder.environment().putAll(environment);
            Process process =
                    builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
            process.getOutputStream().close();
            boolean ended = process.waitFor(PATIENCE_S, TimeUnit.SECONDS);
            if (!ended) {
                process.destroyForcibly().waitFor();
            }
            String text = Files.readString(output, StandardCharsets.UTF_8);
            assertTrue(ended, () -> String.join(" ", command) + " took too long:\n" + text);
            return new Outcome(process.exitValue(), text.lines().toList());
        } finally {
            Files.delete(output);
        }
    }

    static boolean root() {
        return "root".equals(System.getProperty("user.name"));
    }

    /** As a client on the host. */
    Outcome client(String... arguments) throws IOException, InterruptedException {
        return run(simulator.environment(), clientCommand(arguments));
    }

    Outcome client(Map<String, String> environment, String... arguments)
            throws IOException, InterruptedException {
        return run(environment, clientCommand(arguments));
    }

    private String[] clientCommand(String... arguments) throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(
                        List.of(built("client").toString(), simulator.library().toString()));
        command.addAll(List.of(arguments));
        return command.toArray(String[]::new);
    }

    Outcome smi(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(simulator.hostRoot().resolve("usr/bin/nvidia-smi").toString());
        command.addAll(List.of(arguments));
        return run(simulator.environment(), command.toArray(String[]::new));
    }

    /** A client that goes on; the first line that it prints must begin with {@code ready}. */
    Running start(String ready, String... command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(simulator.environment());
        Process process = builder.start();
        started.add(process);
        Running running = new Running(process, process.inputReader(StandardCharsets.UTF_8));
        String line = running.line();
        assertTrue(line.startsWith(ready), line);
        return running;
    }

    Running startClient(String... arguments) throws IOException, InterruptedException {
        return start("ready", clientCommand(arguments));
    }

    Running simtask(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(simulator.simtask().toString()));
        command.addAll(List.of(arguments));
        return start("GPU", command.toArray(String[]::new));
    }

    /** A program that runs. */
    record Running(Process process, BufferedReader output) {
        String line() throws IOException {
            String line = output.readLine();
            assertNotNull(line, "it ended");
            return line;
        }

        int pid() {
            return Math.toIntExact(process.pid());
        }

        /** SIGKILL, and until it is gone. */
        void kill() throws InterruptedException {
            process.destroyForcibly().waitFor();
        }

        /** SIGTERM: its exit code. */
        int stop() throws InterruptedException {
            process.destroy();
            assertTrue(process.waitFor(PATIENCE_S, TimeUnit.SECONDS));
            return process.exitValue();
        }
    }

    /** The host's environment with nodes of this folder, without the host's privilege to see everything. */
    Map<String, String> container(Path nodes) {
        Map<String, String> environment = new HashMap<>(simulator.environment());
        environment.put("BERTH_SIMULATOR_HOST", "");
        environment.put("BERTH_SIMULATOR_DEV", nodes.toString());
        return environment;
    }

    SimulatorControl control() {
        return simulator.control();
    }

    @Override
    public void close() {
        started.forEach(Process::destroyForcibly);
    }
}
