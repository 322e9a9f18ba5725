package dev.berth.master.election;

import dev.berth.discovery.Candidates;
import dev.berth.discovery.MasterAddress;
import dev.berth.discovery.ZooKeeperClients;
import dev.berth.discovery.ZooKeeperUrl;
import dev.berth.master.registry.ZooKeeperPlaces;
import dev.berth.master.registry.ZooKeeperStore;
import dev.berth.protocol.MesosJson;
import dev.berth.protocol.v1.Protos.MasterInfo;

import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.CuratorWatcher;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.data.Stat;
import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Stands for election among the masters of one place in ZooKeeper, in Mesos's format: an ephemeral sequential node per master; the lowest leads. Whoever comes to lead begins a new epoch, which ends all writes of
 * those before it. A master whose session is over stops leading at once and stands again with a new node, under a new master id.
 *
 * <p>Thread: the listener is called on the election's own thread, one call at a time.
 */
public final class Election implements AutoCloseable {
    /** After so long without a word of a master, ZooKeeper lets another one lead. */
    public static final int SESSION_MS = 5_000;

    private static final long RETRY_MS = 250;

    /** A connection may take so long before it is worth a word. */
    private static final long CONNECTS_WITHIN_MS = 2_000;

    /** What comes of it. */
    public interface Listener {
        /** Another master leads, or nobody known. */
        void following(Optional<MasterAddress> leader);

        /** This master leads; its registry is in {@code store}, which no other may write from now on. */
        void leading(MasterInfo self, ZooKeeperStore store);

        /** This master leads no more. Said at once; no call of {@link #following} may come for long. */
        void lost(String why);

        /** Something does not work, and is tried again; said once until it works. */
        void trouble(String what);
    }

    private enum Signal {
        LOOK,
        LOST,
        RESIGN,
        END
    }

    private final LinkedBlockingQueue<Signal> signals = new LinkedBlockingQueue<>();
    private final CuratorWatcher watcher = event -> signals.add(Signal.LOOK);
    private final CuratorFramework client;
    private final ZooKeeperPlaces places;
    private final Supplier<MasterInfo> self;
    private final Listener listener;
    private final Thread thread;
    private @Nullable MasterInfo standing;
    private @Nullable String candidate;
    private long session;
    private boolean leads;
    private boolean troubled;
    private long connectedMs = nowMs();

    private Election(
            ZooKeeperUrl url, Supplier<MasterInfo> self, Listener listener, int sessionMs) {
        this.self = self;
        this.listener = listener;
        places = new ZooKeeperPlaces(url.path());
        client = ZooKeeperClients.start(url, sessionMs);
        client.getConnectionStateListenable()
                .addListener((_, state) ->
                        signals.add(state == ConnectionState.LOST ? Signal.LOST : Signal.LOOK));
        thread = Thread.ofPlatform().daemon().name("berth-election").start(this::run);
        signals.add(Signal.LOOK);
    }

    /**
     * Stands for election; does not wait for ZooKeeper.
     *
     * @param self what a new candidacy says of this master: with a new id each time
     */
    public static Election open(ZooKeeperUrl url, Supplier<MasterInfo> self, Listener listener) {
        return open(url, self, listener, SESSION_MS);
    }

    static Election open(
            ZooKeeperUrl url, Supplier<MasterInfo> self, Listener listener, int sessionMs) {
        return new Election(url, self, listener, sessionMs);
    }

    /** For tests, which end its session. */
    CuratorFramework client() {
        return client;
    }

    private void run() {
        boolean again = true;
        try {
            while (true) {
                Signal signal =
                        again ? signals.poll(RETRY_MS, TimeUnit.MILLISECONDS) : signals.take();
                if (signal == Signal.END) {
                    return;
                }
                if (signal == Signal.RESIGN && candidate != null) {
                    withdraw(candidate);
                }
                if (signal == Signal.LOST) {
                    stepDown("its ZooKeeper session is over");
                }
                again = !look();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /** Leaves the lead, if it has it, and stands again behind all others: for a master whose writes are refused. Any thread. */
    public void resign() {
        signals.add(Signal.RESIGN);
    }

    private void withdraw(String mine) throws InterruptedException {
        try {
            var _ = client.delete().quietly().forPath(places.root() + "/" + mine);
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception _) {
            // Then its session is over, or the node is found again as this session's own and tried
            // again.
        }
        stepDown("its writes are refused");
    }

    private void stepDown(String why) {
        candidate = null;
        standing = null;
        if (leads) {
            leads = false;
            listener.lost(why);
        } else {
            listener.following(Optional.empty());
        }
    }

    private static long nowMs() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime());
    }

    /** False when another try is due. */
    private boolean look() throws InterruptedException {
        if (!client.getZookeeperClient().isConnected()) {
            // The connection's listener says when to go on.
            if (nowMs() - connectedMs > CONNECTS_WITHIN_MS) {
                trouble(
                        "ZooKeeper "
                                + client.getZookeeperClient().getCurrentConnectionString()
                                + " does not answer");
            }
            return false;
        }
        connectedMs = nowMs();
        try {
            String mine = stand();
            List<String> ranked =
                    Candidates.ranked(
                            client.getChildren().usingWatcher(watcher).forPath(places.root()));
            if (!ranked.contains(mine)) {
                stepDown("its node was removed");
                return false;
            }
            if (!ranked.getFirst().equals(mine)) {
                byte[] leader = client.getData().forPath(places.root() + "/" + ranked.getFirst());
                listener.following(Optional.of(Candidates.address(leader)));
            } else if (!leads) {
                begin(mine);
            }
            troubled = false;
            return true;
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception e) {
            if (!(e instanceof KeeperException.NoNodeException)) {
                trouble("election: " + e.getMessage());
            }
            return false;
        }
    }

    private void trouble(String what) {
        if (!troubled) {
            troubled = true;
            listener.trouble(what);
        }
    }

    /** The name of this master's node in the present session. */
    private String stand() throws Exception {
        long now = client.getZookeeperClient().getZooKeeper().getSessionId();
        String mine = candidate;
        if (mine != null && now == session) {
            return mine;
        }
        if (mine != null) {
            stepDown("its ZooKeeper session is over");
        }
        session = now;
        ensure(places.agents());
        ensure(places.epoch());
        ensure(places.weights());
        MasterInfo info = standing == null ? self.get() : standing;
        standing = info;
        // A try before this one may have succeeded though its answer was lost.
        mine = ownNode(now);
        if (mine == null) {
            String made =
                    client.create()
                            .withMode(CreateMode.EPHEMERAL_SEQUENTIAL)
                            .forPath(
                                    places.root() + "/" + Candidates.PREFIX, MesosJson.write(info));
            mine = made.substring(made.lastIndexOf('/') + 1);
        }
        candidate = mine;
        return mine;
    }

    private @Nullable String ownNode(long session) throws Exception {
        for (String name : Candidates.ranked(client.getChildren().forPath(places.root()))) {
            Stat stat = client.checkExists().forPath(places.root() + "/" + name);
            if (stat != null && stat.getEphemeralOwner() == session) {
                return name;
            }
        }
        return null;
    }

    private void ensure(String path) throws Exception {
        if (client.checkExists().forPath(path) == null) {
            try {
                var _ = client.create().creatingParentsIfNeeded().forPath(path, new byte[0]);
            } catch (KeeperException.NodeExistsException _) {
                // Another master was faster.
            }
        }
    }

    /** Begins an epoch, if the node is still there, and nobody else has begun one since. */
    private void begin(String mine) throws Exception {
        MasterInfo info = standing;
        Stat before = client.checkExists().forPath(places.epoch());
        if (info == null || before == null) {
            throw new IllegalStateException("stood before the epoch's node was made");
        }
        String node = places.root() + "/" + mine;
        var _ =
                client.transaction()
                        .forOperations(
                                client.transactionOp().check().forPath(node),
                                client.transactionOp()
                                        .setData()
                                        .withVersion(before.getVersion())
                                        .forPath(
                                                places.epoch(),
                                                info.getId().getBytes(StandardCharsets.UTF_8)));
        leads = true;
        listener.leading(info, new ZooKeeperStore(client, places, node, before.getVersion() + 1));
    }

    /** Leaves the election at once: its node goes with the session. Not from the listener. */
    @Override
    public void close() {
        signals.add(Signal.END);
        client.close();
        try {
            thread.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
