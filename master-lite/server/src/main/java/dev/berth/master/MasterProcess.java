package dev.berth.master;

import dev.berth.discovery.MasterAddress;
import dev.berth.http.AccessToken;
import dev.berth.master.election.Election;
import dev.berth.master.registry.SqliteStore;
import dev.berth.master.registry.ZooKeeperStore;
import dev.berth.master.transport.Limits;
import dev.berth.master.transport.MasterServer;
import dev.berth.protocol.ApiVersion;
import dev.berth.protocol.Trouble;
import dev.berth.protocol.v1.Protos.Address;
import dev.berth.protocol.v1.Protos.MasterInfo;

import org.agrona.concurrent.NanoClock;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * One master: its server, its conductor, and its registry or its part in the election.
 *
 * <p>Thread: {@link #open} and {@link #close} from the main one.
 */
public final class MasterProcess implements AutoCloseable {
    private static final long END_WITHIN_MS = 5_000;

    private final MasterConductor conductor;
    private final Thread thread;
    private final CountDownLatch over = new CountDownLatch(1);
    private volatile boolean ended;
    private final MasterServer server;
    private final MasterAddress reachable;
    private volatile @Nullable Election election;

    private MasterProcess(MasterArguments arguments) throws IOException {
        makeDirectory(arguments.dataRoot());
        AccessToken token =
                arguments.anonymous()
                        ? AccessToken.ANONYMOUS
                        : AccessToken.load(arguments.tokenFile());
        AtomicReference<@Nullable MasterServer> listening = new AtomicReference<>();
        conductor =
                new MasterConductor(
                        clock(),
                        arguments.flags(),
                        arguments.agentTimeoutSeconds().isPresent()
                                ? OptionalLong.of(
                                        TimeUnit.SECONDS.toNanos(
                                                arguments.agentTimeoutSeconds().getAsInt()))
                                : OptionalLong.empty(),
                        () ->
                                Optional.ofNullable(listening.get())
                                        .ifPresent(MasterServer::cutStreams));
        server =
                MasterServer.open(
                        resolve(arguments.listen()),
                        conductor,
                        token,
                        Limits.USUAL,
                        ApiVersion.MESOS);
        listening.set(server);
        reachable = reachable(arguments, server.address());
        thread = Thread.ofPlatform().name("berth-master").start(this::work);
    }

    private void work() {
        try {
            while (!ended) {
                if (conductor.doWork() == 0) {
                    conductor.idle();
                }
            }
            conductor.onClose();
        } finally {
            over.countDown();
        }
    }

    /**
     * Waits until the conductor has ended. Only an Error ends it before {@link #close} does, memory that ran out above all: such a master must end, since it would hold the lead and do nothing.
     *
     * @return whether it was closed
     */
    boolean awaitEnd() throws InterruptedException {
        over.await();
        return ended;
    }

    /** For tests, which break it. */
    MasterConductor conductor() {
        return conductor;
    }

    /** A master that answers; leading once its registry is read, and it is elected where there is an election. */
    static MasterProcess open(MasterArguments arguments) throws IOException {
        MasterProcess master = new MasterProcess(arguments);
        try {
            master.join(arguments);
            return master;
        } catch (IOException e) {
            master.close();
            throw e;
        }
    }

    private void join(MasterArguments arguments) throws IOException {
        if (arguments.zooKeeper().isEmpty()) {
            SqliteStore store = SqliteStore.open(arguments.dataRoot().resolve("registry.db"));
            conductor.lead(info(), reachable, store, () -> {});
            return;
        }
        election =
                Election.open(
                        arguments.zooKeeper().get(),
                        this::info,
                        new Election.Listener() {
                            private Optional<MasterAddress> said = Optional.empty();

                            @Override
                            public void following(Optional<MasterAddress> leader) {
                                conductor.follow(leader);
                                if (leader.isPresent() && !leader.equals(said)) {
                                    MasterLog.info("the master at " + leader.get() + " leads");
                                }
                                said = leader;
                            }

                            @Override
                            public void leading(MasterInfo self, ZooKeeperStore store) {
                                conductor.lead(
                                        self,
                                        reachable,
                                        store,
                                        () ->
                                                Optional.ofNullable(election)
                                                        .ifPresent(e -> e.resign(store)));
                            }

                            @Override
                            public void lost(String why) {
                                said = Optional.empty();
                                MasterLog.warn("leading no more: " + why);
                                conductor.follow(Optional.empty());
                            }

                            @Override
                            public void trouble(Optional<String> what) {
                                what.ifPresentOrElse(
                                        why -> MasterLog.warn("election: " + why + "; trying on"),
                                        () -> MasterLog.info("election: all is well again"));
                            }
                        });
    }

    private static void makeDirectory(Path dataRoot) throws IOException {
        try {
            if (!Files.isDirectory(dataRoot)) {
                Files.createDirectories(
                        dataRoot,
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rwx------")));
            }
        } catch (IOException e) {
            throw new IOException(
                    "make the data root "
                            + dataRoot
                            + ": "
                            + Trouble.ofFile(e, dataRoot)
                            + " (choose another with --data-root DIR)",
                    e);
        }
    }

    /** Wall-clock time that never goes back. */
    private static NanoClock clock() {
        long offset = TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis()) - System.nanoTime();
        return () -> System.nanoTime() + offset;
    }

    private static InetSocketAddress resolve(MasterAddress listen) throws IOException {
        InetSocketAddress address = new InetSocketAddress(listen.host(), listen.port());
        if (address.isUnresolved()) {
            throw new IOException("option --listen: no such host: " + listen.host());
        }
        return address;
    }

    private static MasterAddress reachable(MasterArguments arguments, InetSocketAddress bound)
            throws IOException {
        String host =
                arguments.hostname().isPresent()
                        ? arguments.hostname().get()
                        : bound.getAddress().isAnyLocalAddress()
                                ? InetAddress.getLocalHost().getHostName()
                                : bound.getAddress().getHostAddress();
        return new MasterAddress(host, bound.getPort());
    }

    /** The address that is told to clients; some go by it, and not by the name. */
    private InetAddress told() {
        InetAddress bound = server.address().getAddress();
        if (!bound.isAnyLocalAddress()) {
            return bound;
        }
        try {
            return InetAddress.getByName(reachable.host());
        } catch (UnknownHostException _) {
            return bound; // the name is known to others only
        }
    }

    /** With a new id: ids that an earlier term of this process gave must not be given again. */
    private MasterInfo info() {
        InetAddress bound = told();
        String ip = bound.getHostAddress();
        int number = 0;
        if (bound instanceof Inet4Address) {
            byte[] octets = bound.getAddress();
            for (int i = 3; i >= 0; i--) {
                number = (number << 8) | (octets[i] & 0xff);
            }
        }
        MasterInfo.Builder info =
                MasterInfo.newBuilder()
                        .setId(UUID.randomUUID().toString())
                        .setIp(number)
                        .setPort(reachable.port())
                        .setPid("master@" + ip + ":" + reachable.port())
                        .setHostname(reachable.host())
                        .setVersion(ApiVersion.MESOS)
                        .setAddress(
                                Address.newBuilder()
                                        .setHostname(reachable.host())
                                        .setIp(ip)
                                        .setPort(reachable.port()));
        for (MasterInfo.Capability.Type type :
                new MasterInfo.Capability.Type[] {
                    MasterInfo.Capability.Type.AGENT_UPDATE,
                    MasterInfo.Capability.Type.AGENT_DRAINING,
                    MasterInfo.Capability.Type.QUOTA_V2
                }) {
            info.addCapabilities(MasterInfo.Capability.newBuilder().setType(type));
        }
        return info.build();
    }

    /** How others reach it. */
    MasterAddress address() {
        return reachable;
    }

    /** Leaves the election first, so that another master need not wait for the end of a session. */
    @Override
    public void close() {
        Election standing = election;
        election = null;
        if (standing != null) {
            standing.close();
        }
        conductor.follow(Optional.empty());
        server.close();
        conductor.submit((_, _) -> ended = true);
        try {
            thread.join(END_WITHIN_MS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
