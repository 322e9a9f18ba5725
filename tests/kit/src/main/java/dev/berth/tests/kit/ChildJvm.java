package dev.berth.tests.kit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Starts JVMs on this one's class path, and sends signals. Any thread. */
final class ChildJvm {
    private static final int END_SECONDS = 10;

    private ChildJvm() {}

    /** What it prints is appended to {@code log}. */
    static Process launch(
            Path log, Collection<String> jvmOptions, String mainClass, Collection<String> arguments)
            throws IOException {
        return launch(List.of(), log, jvmOptions, mainClass, arguments);
    }

    /** The same, by a program that becomes the JVM, such as {@code nsenter}. */
    static Process launch(
            List<String> by,
            Path log,
            Collection<String> jvmOptions,
            String mainClass,
            Collection<String> arguments)
            throws IOException {
        List<String> command = new ArrayList<>(by);
        command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
        command.addAll(
                List.of(
                        "--add-exports",
                        "java.base/jdk.internal.misc=ALL-UNNAMED",
                        "--enable-native-access=ALL-UNNAMED",
                        "--illegal-native-access=deny",
                        "--sun-misc-unsafe-memory-access=deny"));
        command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"));
        command.addAll(jvmOptions);
        command.addAll(
                List.of(
                        "-cp",
                        System.getProperty(
                                "surefire.test.class.path", System.getProperty("java.class.path")),
                        mainClass));
        command.addAll(arguments);
        Files.createDirectories(log.toAbsolutePath().getParent());
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
    }

    /** Sends a signal by its name without SIG. */
    static void signal(Process process, String name) throws IOException, InterruptedException {
        Process kill =
                new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                        .inheritIO()
                        .start();
        if (kill.waitFor() != 0) {
            throw new IOException("kill -" + name + " " + process.pid() + " failed");
        }
    }

    /** SIGTERM, then SIGKILL after ten seconds; also one that is stopped. */
    static void end(Process process) {
        try {
            process.destroy();
            if (process.isAlive()) {
                signal(process, "CONT");
            }
            if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (IOException e) {
            process.destroyForcibly();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
