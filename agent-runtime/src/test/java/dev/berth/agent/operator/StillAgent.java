package dev.berth.agent.operator;

import dev.berth.agent.config.MasterOptions;
import dev.berth.linux.Linux;
import dev.berth.protocol.ApiVersion;
import dev.berth.protocol.v1.Protos.AgentInfo;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;

/** A server on a free port over an agent in which nothing happens, with one sandbox; its conductor is a thread that runs steps. */
final class StillAgent implements AgentState, AutoCloseable {
    static final String RUN = "/frameworks/f/executors/e/runs/r";

    private final LinkedBlockingQueue<Runnable> steps = new LinkedBlockingQueue<>();
    private final Thread conductor;
    private final Path root;
    final OperatorServer server;
    final Path sandbox;
    volatile Throwable failure;
    volatile boolean faulty;
    volatile String exposition = "up 1\n";

    StillAgent(Path directory, boolean anonymous) throws Exception {
        root = directory.resolve("sandboxes");
        sandbox = Files.createDirectories(directory.resolve("sandboxes" + RUN));
        Files.deleteIfExists(sandbox.resolveSibling("latest"));
        Files.createSymbolicLink(sandbox.resolveSibling("latest"), Path.of("r"));
        server =
                OperatorServer.open(
                        new MasterOptions(
                                List.of(URI.create("http://127.0.0.1:1")),
                                Optional.empty(),
                                "127.0.0.1",
                                0,
                                anonymous,
                                Optional.of(directory.resolve("of-master")),
                                "",
                                ""),
                        directory,
                        Linux.host());
        conductor = Thread.ofPlatform().daemon().start(this::run);
    }

    private void run() {
        try {
            while (true) {
                steps.take().run();
            }
        } catch (InterruptedException _) {
            // Closed.
        } catch (RuntimeException e) {
            failure = e;
        }
    }

    int port() {
        return server.port();
    }

    @Override
    public void look(Consumer<Picture> answer) {
        TreeMap<String, Double> metrics = new TreeMap<>();
        metrics.put("slave/registered", 1.0);
        if (faulty) {
            steps.add(() -> answer.accept(null));
            return;
        }
        steps.add(() ->
                answer.accept(
                        new Picture(
                                AgentInfo.newBuilder().setHostname("h").build(),
                                "127.0.0.1",
                                true,
                                List.of(),
                                1,
                                ApiVersion.MESOS,
                                List.of(),
                                metrics)));
    }

    @Override
    public void freshOutput(Path of, Runnable then) {
        steps.add(then);
    }

    @Override
    public Path sandboxes() {
        return root;
    }

    @Override
    public String exposition() {
        if (faulty) {
            throw new IllegalStateException("no text");
        }
        return exposition;
    }

    @Override
    public void close() {
        server.close();
        conductor.interrupt();
    }
}
