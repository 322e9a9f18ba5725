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
 * <p>Thread: the handler is called on the watch's own thread, one call at a time.
 */
public final class LeaderWatch implements AutoCloseable {
    private static final int SESSION_MS = 10_000;
    private static final long RETRY_MS = 500;

    private enum Signal {
        LOOK,
        END
    }

    private final LinkedBlockingQueue<Signal> signals = new LinkedBlockingQueue<>();
    private final CuratorWatcher watcher = event -> signals.add(Signal.LOOK);
    private final CuratorFramework client;
    private final String path;
    private final Consumer<Optional<MasterAddress>> handler;
    private final Thread thread;
    private Optional<MasterAddress> last = Optional.empty();
    private boolean told;

    private LeaderWatch(ZooKeeperUrl url, Consumer<Optional<MasterAddress>> handler) {
        this.handler = handler;
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
     */
    public static LeaderWatch open(ZooKeeperUrl url, Consumer<Optional<MasterAddress>> handler) {
        return new LeaderWatch(url, handler);
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
                again = !look();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /** False when another try is due. */
    private boolean look() throws InterruptedException {
        List<String> ranked;
        try {
            ranked = Candidates.ranked(client.getChildren().usingWatcher(watcher).forPath(path));
        } catch (KeeperException.NoNodeException _) {
            // No master has ever stood here.
            tell(Optional.empty());
            return false;
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception _) {
            return false;
        }
        if (ranked.isEmpty()) {
            tell(Optional.empty());
            return true;
        }
        try {
            byte[] data = client.getData().forPath(path + "/" + ranked.getFirst());
            tell(Optional.of(Candidates.address(data)));
            return true;
        } catch (ProtocolException _) {
            // Something stands first that no master has written: nobody can be followed.
            tell(Optional.empty());
            return true;
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception _) {
            // Also when the leader left in between: who comes after it is seen by looking again.
            return false;
        }
    }

    private void tell(Optional<MasterAddress> leader) {
        if (!told || !leader.equals(last)) {
            told = true;
            last = leader;
            handler.accept(leader);
        }
    }

    /** Ends the watch; the handler is not called any more once this returns. Not from the handler. */
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
