package dev.berth.containerizer.image.store;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Debian's docker-registry on a loopback port, with its data in a directory of ours. */
public final class RealRegistry implements AutoCloseable {
    private static final Duration UP = Duration.ofSeconds(20);

    private final Path directory;
    private final int port;
    private Process process;

    private RealRegistry(Path directory, int port, Process process) {
        this.directory = directory;
        this.port = port;
        this.process = process;
    }

    public static RealRegistry start(Path directory) throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        Files.createDirectories(directory.resolve("data"));
        Files.writeString(
                directory.resolve("config.yml"),
                """
                version: 0.1
                log: {level: warn, accesslog: {disabled: true}}
                storage: {filesystem: {rootdirectory: %s}}
                http: {addr: "127.0.0.1:%d"}
                """
                        .formatted(directory.resolve("data"), port));
        RealRegistry registry = new RealRegistry(directory, port, launch(directory));
        registry.awaitUp();
        return registry;
    }

    private static Process launch(Path directory) throws IOException {
        return new ProcessBuilder(
                        "docker-registry", "serve", directory.resolve("config.yml").toString())
                .redirectErrorStream(true)
                .redirectOutput(
                        ProcessBuilder.Redirect.appendTo(
                                directory.resolve("registry.log").toFile()))
                .start();
    }

    private void awaitUp() throws IOException {
        long deadline = System.nanoTime() + UP.toNanos();
        while (true) {
            try (Socket probe = new Socket()) {
                probe.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
                return;
            } catch (ConnectException e) {
                if (System.nanoTime() > deadline || !process.isAlive()) {
                    throw new IOException(
                            "docker-registry does not listen: "
                                    + Files.readString(directory.resolve("registry.log")),
                            e);
                }
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
            }
        }
    }

    public int port() {
        return port;
    }

    /** SIGKILL, and waits for the end. */
    public void kill() {
        process.destroyForcibly().onExit().join();
    }

    /** Starts it again on the same port and data. */
    public void restart() throws IOException {
        process = launch(directory);
        awaitUp();
    }

    /** Runs a program to its end. */
    public static void run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(List.of(command)).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + " failed: " + output);
        }
    }

    @Override
    public void close() {
        kill();
    }
}
