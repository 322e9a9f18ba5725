package dev.berth.tests.conformance;

import dev.berth.tests.kit.Await;
import dev.berth.tests.kit.MasterNode;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A framework of {@code tests/witness} in a JVM of its own, on the class path that the build of that module wrote. It says what it sees, line by line. One thread. */
final class ForeignFramework implements AutoCloseable {
    private static final Path MODULE = Path.of("../witness/target");

    private final String name;
    private final Path log;
    private final Process process;

    private ForeignFramework(String name, Path log, Process process) {
        this.name = name;
        this.log = log;
        this.process = process;
    }

    /**
     * Starts one.
     *
     * @param mainClass without its package
     * @param prefix of its tasks' ids
     * @param masters asked in this order
     * @param shared the host's directory that its tasks share
     */
    static ForeignFramework start(
            String mainClass, String prefix, List<MasterNode> masters, Path shared)
            throws IOException {
        List<String> uris = new ArrayList<>();
        for (MasterNode master : masters) {
            uris.add(
                    "http://any:"
                            + master.token().orElseThrow()
                            + "@127.0.0.1:"
                            + master.port()
                            + "/api/v1/scheduler");
        }
        Path log = shared.resolve(prefix + ".log");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
        // Netty 4.1.4 and protobuf 2.6 run on this JDK without any flag: Netty then keeps to heap
        // buffers, and RxJava's queues warn of what they use of sun.misc.Unsafe unless allowed.
        command.addAll(
                List.of(
                        "--sun-misc-unsafe-memory-access=allow",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:-UsePerfData",
                        "-cp",
                        MODULE.resolve("classes")
                                + File.pathSeparator
                                + Files.readString(MODULE.resolve("class-path")).strip()));
        command.addAll(List.of("dev.berth.tests.witness." + mainClass, String.join(",", uris)));
        command.addAll(List.of(shared.toString(), prefix));
        return new ForeignFramework(
                prefix,
                log,
                new ProcessBuilder(command)
                        .redirectOutput(log.toFile())
                        .redirectError(shared.resolve(prefix + ".err").toFile())
                        .start());
    }

    /** The prefix of its tasks' ids. */
    String name() {
        return name;
    }

    /** All that it has said. */
    List<String> said() throws IOException {
        return Files.readAllLines(log);
    }

    /** The lines that begin so. */
    List<String> said(String beginning) throws IOException {
        return said().stream().filter(line -> line.startsWith(beginning)).toList();
    }

    /** Waits until one of its lines begins so. */
    void await(String beginning, double seconds) throws Exception {
        Await.until(
                () -> name + " says '" + beginning + "', so far: " + text(),
                seconds,
                () -> !said(beginning).isEmpty());
    }

    /** Waits for its end. */
    int awaitEnd(int seconds) throws Exception {
        if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
            throw new IOException(name + " does not end: " + text());
        }
        return process.exitValue();
    }

    String text() {
        try {
            return String.join("\n", said());
        } catch (IOException e) {
            return e.toString();
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
