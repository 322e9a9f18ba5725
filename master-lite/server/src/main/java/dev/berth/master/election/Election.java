package dev.berth.master.election;

import dev.berth.discovery.Candidates;
import dev.berth.discovery.MasterAddress;
import dev.berth.discovery.ZooKeeperClients;
import dev.berth.discovery.ZooKeeperTrouble;
import dev.berth.discovery.ZooKeeperUrl;
import dev.berth.master.registry.Lease;
import dev.berth.master.registry.ZooKeeperPlaces;
import dev.berth.master.registry.ZooKeeperStore;
import dev.berth.protocol.MesosJson;
import dev.berth.protocol.ProtocolException;
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
 * those before it. A master whose session is over stops leading at once and stands again with a new node, under a new master id; and so does, with its old node, a leader
 * of which ZooKeeper has not answered a question for seven tenths of the session ({@link Lease}): before ZooKeeper may let another one lead.
 *
 * <p>Thread: the listener is called on the election's own thread, one call at a time.
 */
public final class Election implements AutoCloseable {
    /** After so long without a word of a master, ZooKeeper lets another one lead. */
    public static final int SESSION_MS = 5_000;

    private static final long RETRY_MS = 250;

    /** A connection may take so long before it is worth a word. */
    private static final long CONNECTS_WITHIN_MS = 2_000;

    /**
     * Of a session, in per cent. Servers tell their leader twice in a tick (of 2 s, usually) which sessions live, and five questions are asked in a lease: so what ZooKeeper's leader knows of a session is up to 1.7 s
     * older than what this master does, of five.
     */
    private static final int LEASE_PERCENT = 70;

    private static final int QUESTIONS_PER_LEASE = 5;

    /** What comes of it. */
    public interface Listener {
        /** Another master leads, or nobody known. */
        void following(Optional<MasterAddress> leader);

        /** This master leads; its registry is in {@code store}, which no other may write from now on. */
        void leading(MasterInfo self, ZooKeeperStore store);

        /** This master leads no more. Said at once; no call of {@link #following} may come for long. */
        void lost(String why);

        /** Something does not work, and is tried again: why, for people, when that changes. Nothing once all works. */
        void trouble(Optional<String> what);
    }

    private sealed interface Signal {
        record Look() implements Signal {}

        record Lost() implements Signal {}

        /** The term of this node cannot go on. */
        record Resign(String node) implements Signal {}

        record End() implements Signal {}
    }

    private final LinkedBlockingQueue<Signal> signals = new LinkedBlockingQueue<>();
    private final CuratorWatcher watcher = event -> signals.add(new Signal.Look());
    private final ZooKeeperUrl url;
    private final CuratorFramework client;
    private final ZooKeeperPlaces places;
    private final Supplier<MasterInfo> self;
    private final Listener listener;
    private final Thread thread;
    private @Nullable MasterInfo standing;
    private @Nullable String candidate;
    private @Nullable String former;
    private long session;
    private @Nullable Lease lease;
    private long leaseMs;
    private Optional<String> complaint = Optional.empty();
    private boolean silent;
    private long connectedMs = nowMs();

    private Election(
            ZooKeeperUrl url, Supplier<MasterInfo> self, Listener listener, int sessionMs) {
        this.url = url;
        this.self = self;
        this.listener = listener;
        places = new ZooKeeperPlaces(url.path());
        client = ZooKeeperClients.start(url, sessionMs);
        client.getConnectionStateListenable()
                .addListener((_, state) ->
                        signals.add(
                                state == ConnectionState.LOST
                                        ? new Signal.Lost()
                                        : new Signal.Look()));
        thread = Thread.ofPlatform().daemon().name("berth-election").start(this::run);
        signals.add(new Signal.Look());
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
                switch (next(again)) {
                    case Signal.End _ -> {
                        return;
                    }
                    case Signal.Resign(String node) -> {
                        if (candidate != null && node.equals(places.root() + "/" + candidate)) {
                            withdraw(node);
                        }
                    }
                    case Signal.Lost _ -> stepDown("its ZooKeeper session is over");
                    case Signal.Look _ -> {}
                    case null -> {}
                }
                keep();
                again = !look();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /** Null when it is time to try again, or to ask whether the session lives. */
    private @Nullable Signal next(boolean again) throws InterruptedException {
        if (!again && lease == null) {
            return signals.take();
        }
        long ask = lease == null ? RETRY_MS : leaseMs / QUESTIONS_PER_LEASE;
        return signals.poll(again ? Math.min(ask, RETRY_MS) : ask, TimeUnit.MILLISECONDS);
    }

    /** Ends a term of which the lease is over, and asks for its next one. */
    private void keep() throws InterruptedException {
        Lease held = lease;
        if (held == null) {
            return;
        }
        if (!held.isHeld()) {
            stepDown("ZooKeeper has not answered for " + leaseMs + " ms");
            return;
        }
        if (!client.getZookeeperClient().isConnected()) {
            return;
        }
        try {
            long now = System.nanoTime();
            // Answered by ZooKeeper's leader, not by whichever server this master is connected to:
            // that one may be cut off from the others.
            client.getZookeeperClient()
                    .getZooKeeper()
                    .sync(
                            places.root(),
                            (code, _, _) -> {
                                if (code == KeeperException.Code.OK.intValue()) {
                                    held.renew(now);
                                }
                            },
                            null);
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception _) {
            // No connection: the next look says so.
        }
    }

    /** Leaves the lead of that term, if it has it still, and stands again behind all others: for a master whose writes are refused. Any thread. */
    public void resign(ZooKeeperStore term) {
        signals.add(new Signal.Resign(term.candidate()));
    }

    private void withdraw(String node) throws InterruptedException {
        try {
            var _ = client.delete().quietly().forPath(node);
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
        Lease led = lease;
        if (led != null) {
            led.end();
            lease = null;
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
            if (nowMs() - connectedMs > CONNECTS_WITHIN_MS && !silent) {
                silent = true;
                complain(Optional.of(ZooKeeperTrouble.silent(url)));
            }
            return false;
        }
        connectedMs = nowMs();
        silent = false;
        try {
            String mine = stand();
            List<String> ranked =
                    Candidates.ranked(
                            client.getChildren().usingWatcher(watcher).forPath(places.root()));
            if (!ranked.contains(mine)) {
                stepDown("its node was removed");
                return false;
            }
            String first = ranked.getFirst();
            if (!first.equals(mine)) {
                if (lease != null) {
                    stepDown("the node " + places.root() + "/" + first + " stands before its own");
                    return false;
                }
                return follow(places.root() + "/" + first);
            }
            if (lease == null) {
                begin(mine);
            }
            complain(Optional.empty());
            return true;
        } catch (InterruptedException e) {
            throw e;
        } catch (KeeperException.NoNodeException _) {
            // It went in between: the next look sees who comes after it.
            return false;
        } catch (Exception e) {
            if (!(e instanceof KeeperException.ConnectionLossException)) {
                complain(Optional.of(ZooKeeperTrouble.of(url, e)));
            }
            return false;
        }
    }

    private boolean follow(String node) throws Exception {
        try {
            listener.following(Optional.of(Candidates.address(client.getData().forPath(node))));
            complain(Optional.empty());
            return true;
        } catch (ProtocolException e) {
            listener.following(Optional.empty());
            complain(Optional.of(Candidates.foreign(node, e)));
            // Nothing tells when its data change.
            return false;
        }
    }

    private void complain(Optional<String> what) {
        if (!complaint.equals(what)) {
            complaint = what;
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
        ensurePlaces();
        if (now != session && former != null) {
            clear(places.root() + "/" + former, session);
        }
        session = now;
        MasterInfo info = standing == null ? self.get() : standing;
        standing = info;
        // A try before this one may have succeeded though its answer was lost; or the session has
        // outlived a term.
        mine = ownNode(now);
        if (mine == null) {
            String made =
                    client.create()
                            .withMode(CreateMode.EPHEMERAL_SEQUENTIAL)
                            .forPath(
                                    places.root() + "/" + Candidates.PREFIX, MesosJson.write(info));
            mine = made.substring(made.lastIndexOf('/') + 1);
        } else {
            var _ = client.setData().forPath(places.root() + "/" + mine, MesosJson.write(info));
        }
        candidate = mine;
        former = mine;
        return mine;
    }

    /** Removes the node of a session before, of which no term goes on: else all would wait until ZooKeeper ends that session. */
    private void clear(String node, long of) throws Exception {
        Stat stat = client.checkExists().forPath(node);
        if (stat != null && stat.getEphemeralOwner() == of) {
            var _ = client.delete().quietly().withVersion(stat.getVersion()).forPath(node);
        }
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

    private void ensurePlaces() throws Exception {
        ensure(places.agents());
        ensure(places.epoch());
        ensure(places.weights());
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
        // Again: somebody may have removed them since this master began to stand.
        ensurePlaces();
        MasterInfo info = standing;
        Stat before = client.checkExists().forPath(places.epoch());
        if (info == null || before == null) {
            throw new KeeperException.NoNodeException(places.epoch());
        }
        String node = places.root() + "/" + mine;
        long now = System.nanoTime();
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
        // What ZooKeeper has granted, which need not be what was asked for.
        leaseMs =
                client.getZookeeperClient().getZooKeeper().getSessionTimeout()
                        * (long) LEASE_PERCENT
                        / 100;
        Lease begun = new Lease(System::nanoTime, TimeUnit.MILLISECONDS.toNanos(leaseMs), now);
        lease = begun;
        listener.leading(
                info, new ZooKeeperStore(client, places, node, before.getVersion() + 1, begun));
    }

    /** Leaves the election at once: its node goes with the session. Not from the listener. */
    @Override
    public void close() {
        signals.add(new Signal.End());
        client.close();
        try {
            thread.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
