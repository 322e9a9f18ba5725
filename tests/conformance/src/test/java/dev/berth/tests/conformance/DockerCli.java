package dev.berth.tests.conformance;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The docker command line of this machine, towards one agent. */
final class DockerCli {
    private static final long DEADLINE_SECONDS = 60;

    private final Path socket;
    private final Path scratch;

    DockerCli(Path socket, Path scratch) {
        this.socket = socket;
        this.scratch = scratch;
    }

    record Result(int code, String out, String err) {}

    Result run(String... arguments) throws IOException, InterruptedException {
        return run(new byte[0], arguments);
    }

    /** Runs to the end with this standard input. */
    Result run(byte[] input, String... arguments) throws IOException, InterruptedException {
        Path out = Files.createTempFile(scratch, "out", "");
        Path err = Files.createTempFile(scratch, "err", "");
        Process process = builder(List.of(arguments), out, err).start();
        try (OutputStream stdin = process.getOutputStream()) {
            stdin.write(input);
        } catch (IOException _) {
            // It has ended without reading all of it.
        }
        if (!process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
            throw new IOException(
                    "docker " + List.of(arguments) + " hangs: " + Files.readString(err));
        }
        Result result =
                new Result(
                        process.exitValue(),
                        Files.readString(out, StandardCharsets.ISO_8859_1),
                        Files.readString(err));
        Files.delete(out);
        Files.delete(err);
        return result;
    }

    /** Starts one that goes on; its output is the caller's to read. */
    Process start(String... arguments) throws IOException {
        List<String> command = command(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("DOCKER_HOST", "unix://" + socket);
        return builder.redirectErrorStream(true).start();
    }

    static String firstLine(Process process) throws IOException {
        InputStream in = process.getInputStream();
        StringBuilder line = new StringBuilder();
        for (int b = in.read(); b >= 0 && b != '\n'; b = in.read()) {
            line.append((char) b);
        }
        return line.toString();
    }

    private static List<String> command(List<String> arguments) {
        List<String> command = new ArrayList<>(List.of("docker"));
        command.addAll(arguments);
        return command;
    }

    private ProcessBuilder builder(List<String> arguments, Path out, Path err) {
        ProcessBuilder builder = new ProcessBuilder(command(arguments));
        builder.environment().put("DOCKER_HOST", "unix://" + socket);
        builder.environment().put("DOCKER_CONFIG", scratch.resolve("config").toString());
        return builder.redirectOutput(out.toFile()).redirectError(err.toFile());
    }
}
