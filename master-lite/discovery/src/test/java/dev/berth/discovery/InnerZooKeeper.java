package dev.berth.discovery;

import org.apache.zookeeper.server.NIOServerCnxnFactory;
import org.apache.zookeeper.server.ServerCnxnFactory;
import org.apache.zookeeper.server.ZooKeeperServer;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;

/** A real ZooKeeper server in the test's own JVM. It may be stopped and started again on its data and port. One thread. */
public final class InnerZooKeeper implements AutoCloseable {
    /** Milliseconds; a session may last two of them at least. */
    private static final int TICK_MS = 500;

    private final Path directory;
    private int port;
    private ServerCnxnFactory listening;

    /** Starts one; {@code directory} becomes its own. */
    public InnerZooKeeper(Path directory) throws IOException, InterruptedException {
        this.directory = directory;
        start();
    }

    /** Where it is, in ZooKeeper's words. */
    public String connectString() {
        return "127.0.0.1:" + port;
    }

    /** A place in it, as options of ours name it. */
    public ZooKeeperUrl url(String path) throws DiscoveryException {
        return ZooKeeperUrl.parse("zk://" + connectString() + path);
    }

    /** Starts again what was stopped. */
    public void start() throws IOException, InterruptedException {
        ZooKeeperServer server =
                new ZooKeeperServer(
                        directory.resolve("data").toFile(),
                        directory.resolve("data").toFile(),
                        TICK_MS);
        listening = new NIOServerCnxnFactory();
        listening.configure(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        port = listening.getLocalPort();
        listening.startup(server);
    }

    /** Its clients lose their connections. */
    public void stop() {
        listening.shutdown();
    }

    @Override
    public void close() {
        stop();
    }
}
