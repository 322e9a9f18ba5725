package dev.berth.tests.bench.scale;

import dev.berth.discovery.MasterAddress;
import dev.berth.http.AccessToken;
import dev.berth.master.MasterConductor;
import dev.berth.master.registry.SqliteStore;
import dev.berth.master.transport.Limits;
import dev.berth.master.transport.MasterGate;
import dev.berth.master.transport.MasterServer;
import dev.berth.protocol.v1.Protos.MasterInfo;

import io.netty.channel.local.LocalAddress;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** The master as it is in production: conductor, server, registry in SQLite; only its listening address is in memory. */
final class LiveMaster {
    private static final MasterAddress SELF = new MasterAddress("master", 5050);

    private final LocalAddress address = new LocalAddress("berth-bench");
    private final MasterConductor conductor;
    private final MasterServer server;
    private final Path registry;

    LiveMaster(Path registry) throws IOException {
        this.registry = registry;
        AtomicReference<MasterServer> listening = new AtomicReference<>();
        long offset = TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis()) - System.nanoTime();
        conductor =
                new MasterConductor(
                        () -> System.nanoTime() + offset,
                        Map.of(),
                        () ->
                                Optional.ofNullable(listening.get())
                                        .ifPresent(MasterServer::cutStreams));
        server =
                MasterServer.inMemory(
                        address,
                        conductor,
                        new AccessToken(Optional.of(Connection.TOKEN)),
                        Limits.USUAL,
                        "1.11.0");
        listening.set(server);
        var _ = Thread.ofPlatform().daemon().name("berth-master").start(this::work);
    }

    private void work() {
        while (true) {
            if (conductor.doWork() == 0) {
                conductor.idle();
            }
        }
    }

    LocalAddress address() {
        return address;
    }

    /** Begins a term, with what the registry has; returns when it answers. */
    void lead() throws IOException {
        MasterInfo info =
                MasterInfo.newBuilder()
                        .setId(UUID.randomUUID().toString())
                        .setIp(0x0100007f)
                        .setPort(SELF.port())
                        .setHostname(SELF.host())
                        .setVersion("1.11.0")
                        .build();
        conductor.lead(info, SELF, store(), () -> {});
        while (!(conductor.standing() instanceof MasterGate.Standing.Leading)) {
            Thread.onSpinWait();
        }
    }

    /** The registry, once the term before has let go of it. */
    private SqliteStore store() throws IOException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (true) {
            try {
                return SqliteStore.open(registry);
            } catch (IOException e) {
                if (System.nanoTime() > end) {
                    throw e;
                }
            }
        }
    }

    /** Ends the term: all streams and links are cut. */
    void follow() {
        conductor.follow(Optional.empty());
    }

    /** Keeps the conductor from doing anything until the answer is run, which returns when it has gone on. */
    Runnable hold() throws InterruptedException {
        CountDownLatch held = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        conductor.submit((_, _) -> {
            held.countDown();
            try {
                go.await();
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        });
        held.await();
        return go::countDown;
    }

    /** Waits until the conductor has done all that is queued now, and what was due then. */
    void settle() throws InterruptedException {
        for (int i = 0; i < 2; i++) {
            CountDownLatch done = new CountDownLatch(1);
            conductor.submit((_, _) -> done.countDown());
            done.await();
        }
    }

    /** What its threads have used of the processors, by name: {@code berth-master}, {@code berth-http-0}, {@code berth-registry}. */
    static long cpuNs(String prefix) {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long sum = 0;
        for (long id : threads.getAllThreadIds()) {
            var info = threads.getThreadInfo(id);
            if (info != null && info.getThreadName().startsWith(prefix)) {
                sum += Math.max(0, threads.getThreadCpuTime(id));
            }
        }
        return sum;
    }
}
