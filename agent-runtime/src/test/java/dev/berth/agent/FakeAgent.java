package dev.berth.agent;

import dev.berth.agent.config.AgentConfig;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.DeviceOptions;
import dev.berth.agent.config.MasterOptions;
import dev.berth.agent.device.DeviceSetup;
import dev.berth.linux.Linux;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;

/** A whole agent, threads, socket and checkpoints included, over containers and images that are fakes. */
final class FakeAgent implements AutoCloseable {
    final FakeContainerizer containers;
    final FakeImageStore images = new FakeImageStore();
    final Path socket;
    private final NodeAgent agent;

    FakeAgent(Path directory) throws AgentException {
        this(directory, 0);
    }

    FakeAgent(Path directory, int exitWhenIdleSeconds) throws AgentException {
        this(directory, exitWhenIdleSeconds, DeviceSetup.none(directory.resolve("devices")));
    }

    FakeAgent(Path directory, int exitWhenIdleSeconds, DeviceSetup devices) throws AgentException {
        this(directory, exitWhenIdleSeconds, devices, Optional.empty());
    }

    FakeAgent(
            Path directory,
            int exitWhenIdleSeconds,
            DeviceSetup devices,
            Optional<MasterOptions> master)
            throws AgentException {
        socket = directory.resolve("a.sock");
        containers = new FakeContainerizer(directory.resolve("containers"));
        AgentConfig config =
                new AgentConfig(
                        socket,
                        directory.resolve("data"),
                        directory.resolve("run"),
                        "berth-test",
                        Optional.empty(),
                        false,
                        exitWhenIdleSeconds,
                        List.of(),
                        DeviceOptions.NONE,
                        master);
        agent =
                NodeAgent.open(
                        config,
                        Linux.host(),
                        (_, _) ->
                                new Machinery(
                                        containers,
                                        images,
                                        containers::log,
                                        containers::file,
                                        devices,
                                        new ArrayDeque<>()));
    }

    int operatorPort() {
        return agent.operatorPort();
    }

    void await() throws InterruptedException {
        agent.await();
    }

    @Override
    public void close() {
        agent.close();
    }
}
