package dev.berth.tests.conformance;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** Runs {@code berth} in JVMs of their own, as the script does, against one agent or master. */
final class CommandLine {
    private static final long DEADLINE_SECONDS = 60;

    private final Map<String, String> variables;

    CommandLine(Path socket) {
        this(Map.of("BERTH_HOST", "unix://" + socket));
    }

    /** With further variables in its environment. */
    CommandLine(Map<String, String> variables) {
        this.variables = Map.copyOf(variables);
    }

    /** How one ended. */
    record Outcome(int code, String out, String err) {}

    /** {@code java ... Berth}: what a shell or another program can start. */
    static List<String> command(String... words) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
        command.addAll(
                List.of(
                        "--add-exports",
                        "java.base/jdk.internal.misc=ALL-UNNAMED",
                        "--enable-native-access=ALL-UNNAMED",
                        "--illegal-native-access=deny",
                        "--sun-misc-unsafe-memory-access=deny",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:-UsePerfData",
                        "-cp",
                        System.getProperty(
                                "surefire.test.class.path", System.getProperty("java.class.path")),
                        "dev.berth.agent.cli.Berth"));
        command.addAll(List.of(words));
        return command;
    }

    /** Starts one without waiting. */
    Process start(String... words) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command(words));
        builder.environment().putAll(variables);
        return builder.start();
    }

    Outcome run(String... words) throws IOException, InterruptedException {
        return run(new byte[0], words);
    }

    /** Runs one to its end, with input. */
    Outcome run(byte[] input, String... words) throws IOException, InterruptedException {
        return finish(start(words), input);
    }

    /** Feeds, drains and waits. */
    static Outcome finish(Process process, byte[] input) throws IOException, InterruptedException {
        AtomicReference<String> err = new AtomicReference<>("");
        Thread errors =
                Thread.ofVirtual()
                        .start(() -> {
                            try {
                                err.set(
                                        new String(
                                                process.getErrorStream().readAllBytes(),
                                                StandardCharsets.UTF_8));
                            } catch (IOException e) {
                                err.set(e.toString());
                            }
                        });
        Thread.ofVirtual()
                .start(() -> {
                    try (var in = process.getOutputStream()) {
                        in.write(input);
                    } catch (IOException e) {
                        // It ended without reading all.
                    }
                });
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new IOException("no end after " + DEADLINE_SECONDS + " s, so far: " + out);
        }
        errors.join();
        return new Outcome(process.exitValue(), out, err.get());
    }
}
