package dev.berth.discovery;

import dev.berth.protocol.ProtocolException;

import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.CuratorWatcher;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.zookeeper.KeeperException;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Follows the election of masters in ZooKeeper: tells who leads, at first and at every change. While ZooKeeper cannot be reached the last leader stands, since losing sight of the election says nothing about the master.
 *
 * <p>Thread: the handlers are called on the watch's own thread, one call at a time.
 */
public final class LeaderWatch implements AutoCloseable {
    private static final int SESSION_MS = 10_000;
    private static final long RETRY_MS = 500;

    /** A connection may take so long before it is worth a word. */
    private static final long CONNECTS_WITHIN_NS = TimeUnit.SECONDS.toNanos(2);

    private enum Signal {
        LOOK,
        END
    }

    private final LinkedBlockingQueue<Signal> signals = new LinkedBlockingQueue<>();
    private final CuratorWatcher watcher = event -> signals.add(Signal.LOOK);
    private final CuratorFramework client;
    private final ZooKeeperUrl url;
    private final String path;
    private final Consumer<Optional<MasterAddress>> handler;
    private final Consumer<Optional<String>> trouble;
    private final Thread thread;
    private Optional<MasterAddress> last = Optional.empty();
    private boolean told;
    private Optional<String> complaint = Optional.empty();
    private boolean silent;
    private long connectedNs = System.nanoTime();

    private LeaderWatch(
            ZooKeeperUrl url,
            Consumer<Optional<MasterAddress>> handler,
            Consumer<Optional<String>> trouble) {
        this.url = url;
        this.handler = handler;
        this.trouble = trouble;
        path = url.path();
        client = ZooKeeperClients.start(url, SESSION_MS);
        client.getConnectionStateListenable()
                .addListener((_, state) -> {
                    if (state == ConnectionState.CONNECTED
                            || state == ConnectionState.RECONNECTED) {
                        signals.add(Signal.LOOK);
                    }
                });
        thread = Thread.ofPlatform().daemon().name("berth-leader").start(this::run);
    }

    /**
     * Begins to watch; does not wait for ZooKeeper.
     *
     * @param handler is given the leader, or nothing while there is none
     * @param trouble is given why the leader cannot be found, for people, when that changes; nothing once it can be
     */
    public static LeaderWatch open(
            ZooKeeperUrl url,
            Consumer<Optional<MasterAddress>> handler,
            Consumer<Optional<String>> trouble) {
        return new LeaderWatch(url, handler, trouble);
    }

    private void run() {
        signals.add(Signal.LOOK);
        boolean again = true;
        try {
            while (true) {
                Signal signal =
                        again ? signals.poll(RETRY_MS, TimeUnit.MILLISECONDS) : signals.take();
                if (signal == Signal.END) {
                    return;
                }
                again = !look();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /** False when another try is due. */
    private boolean look() throws InterruptedException {
        if (!client.getZookeeperClient().isConnected()) {
            if (System.nanoTime() - connectedNs > CONNECTS_WITHIN_NS && !silent) {
                silent = true;
                complain(Optional.of(ZooKeeperTrouble.silent(url)));
            }
            return false;
        }
        connectedNs = System.nanoTime();
        silent = false;
        String first = path;
        try {
            List<String> ranked =
                    Candidates.ranked(client.getChildren().usingWatcher(watcher).forPath(path));
            if (ranked.isEmpty()) {
                nobody("no master stands for election at " + url);
                return true;
            }
            first = path + "/" + ranked.getFirst();
            MasterAddress leader = Candidates.address(client.getData().forPath(first));
            complain(Optional.empty());
            tell(Optional.of(leader));
            return true;
        } catch (KeeperException.NoNodeException _) {
            if (first.equals(path)) {
                nobody(
                        "no master has ever stood for election at "
                                + url
                                + ": is that what the masters have as --zk?");
            }
            // Else the leader left in between: who comes after it is seen by looking again.
            return false;
        } catch (ProtocolException e) {
            nobody(Candidates.foreign(first, e));
            // Nothing tells when its data change.
            return false;
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception e) {
            if (!(e instanceof KeeperException.ConnectionLossException)) {
                complain(Optional.of(ZooKeeperTrouble.of(url, e)));
            }
            return false;
        }
    }

    private void nobody(String why) {
        complain(Optional.of(why));
        tell(Optional.empty());
    }

    private void complain(Optional<String> what) {
        if (!complaint.equals(what)) {
            complaint = what;
            trouble.accept(what);
        }
    }

    private void tell(Optional<MasterAddress> leader) {
        if (!told || !leader.equals(last)) {
            told = true;
            last = leader;
            handler.accept(leader);
        }
    }

    /** Ends the watch; the handlers are not called any more once this returns. Not from a handler. */
    @Override
    public void close() {
        signals.add(Signal.END);
        // Closed first: a look that waits for a connection ends with it.
        client.close();
        try {
            thread.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
