package dev.berth.master.transport;

import dev.berth.discovery.MasterAddress;
import dev.berth.http.AccessToken;
import dev.berth.master.cluster.MasterSettings;
import dev.berth.master.cluster.Registry;
import dev.berth.master.core.MasterCore;
import dev.berth.master.registry.MemoryStore;
import dev.berth.master.registry.QueuedRegistry;
import dev.berth.protocol.v1.Protos.MasterInfo;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;

/** A server on a free port with a real core behind it, on a conductor thread of its own. */
final class TestMaster implements MasterGate, AutoCloseable {
    static final MasterAddress SELF = new MasterAddress("127.0.0.1", 5050);

    private final LinkedBlockingQueue<Step> steps = new LinkedBlockingQueue<>();
    final MasterServer server;
    final QueuedRegistry registry;
    private final MasterCore core;
    private final Thread thread;
    volatile Standing standing = new Standing.Leading(SELF);
    volatile boolean held;
    volatile Throwable failure;

    TestMaster(AccessToken token, Limits limits) throws IOException {
        registry =
                new QueuedRegistry(
                        new MemoryStore(), step -> submit((_, _) -> step.run()), _ -> {}, _ -> {});
        MasterInfo info =
                MasterInfo.newBuilder()
                        .setId("M")
                        .setIp(0)
                        .setPort(5050)
                        .setVersion("1.11.0")
                        .build();
        core =
                new MasterCore(
                        MasterSettings.of(info, Map.of(), System.nanoTime()),
                        registry,
                        Registry.Contents.EMPTY,
                        System.nanoTime());
        server =
                MasterServer.open(
                        new InetSocketAddress("127.0.0.1", 0), this, token, limits, "1.11.0");
        thread = Thread.ofPlatform().daemon().start(this::run);
    }

    private void run() {
        try {
            while (true) {
                Step step = steps.take();
                long now = System.nanoTime();
                try {
                    step.run(
                            standing instanceof Standing.Leading
                                    ? Optional.of(core)
                                    : Optional.empty(),
                            now);
                    core.tick(now);
                } catch (RuntimeException e) {
                    e.printStackTrace();
                    failure = e;
                }
            }
        } catch (InterruptedException _) {
            // Closed.
        }
    }

    @Override
    public Standing standing() {
        return standing;
    }

    @Override
    public void submit(Step step) {
        steps.add(step);
    }

    /** Whether a client on this port of its own is connected. */
    boolean isConnected(int clientPort) {
        return server.channels().stream()
                .anyMatch(channel ->
                        channel.remoteAddress() instanceof InetSocketAddress from
                                && from.getPort() == clientPort);
    }

    int port() {
        return server.address().getPort();
    }

    @Override
    public void close() {
        server.close();
        registry.close();
        thread.interrupt();
    }
}
