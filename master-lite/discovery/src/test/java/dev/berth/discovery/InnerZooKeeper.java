package dev.berth.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.curator.framework.CuratorFramework;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.server.NIOServerCnxnFactory;
import org.apache.zookeeper.server.ServerCnxnFactory;
import org.apache.zookeeper.server.ZooKeeperServer;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A real ZooKeeper server in the test's own JVM, with a client that is connected; each test has its own. It may be stopped and started again on its data and port. One thread. */
public final class InnerZooKeeper implements BeforeEachCallback, AfterEachCallback {
    /** Milliseconds; a session may last two of them at least. */
    private static final int TICK_MS = 500;

    private static final int SESSION_MS = 10_000;
    private static final int CONNECT_SECONDS = 20;
    private static final String PLACE = "/berth";

    private Path directory;
    private int port;
    private ServerCnxnFactory listening;
    private CuratorFramework client;

    @Override
    public void beforeEach(ExtensionContext test) throws Exception {
        directory = Files.createTempDirectory("berth-zookeeper");
        start();
        client = ZooKeeperClients.start(url(), SESSION_MS);
        assertThat(client.blockUntilConnected(CONNECT_SECONDS, TimeUnit.SECONDS)).isTrue();
    }

    @Override
    public void afterEach(ExtensionContext test) throws IOException {
        if (client != null) {
            client.close();
        }
        if (listening != null) {
            stop();
        }
        List<Path> files;
        try (Stream<Path> found = Files.walk(directory)) {
            files = found.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path file : files) {
            Files.delete(file);
        }
    }

    /** Where it is, in ZooKeeper's words. */
    public String connectString() {
        return "127.0.0.1:" + port;
    }

    /** The place of an election in it. */
    public ZooKeeperUrl url() throws DiscoveryException {
        return url("zk://" + connectString() + PLACE);
    }

    private static ZooKeeperUrl url(String text) throws DiscoveryException {
        return ZooKeeperUrl.parse(text);
    }

    /** The same place for a client that shows {@code user:password}. */
    public ZooKeeperUrl urlFor(String credentials) throws DiscoveryException {
        return url("zk://" + credentials + "@" + connectString() + PLACE);
    }

    /** A client of nobody in particular. */
    public CuratorFramework client() {
        return client;
    }

    /** Makes a node as a master does that stands for election; its path. */
    public String stand(String host, int masterPort) throws Exception {
        String json =
                "{\"id\":\"x\",\"ip\":0,\"port\":" + masterPort + ",\"hostname\":\"" + host + "\"}";
        return stand(json);
    }

    /** The same, with any data. */
    public String stand(String data) throws Exception {
        return client.create()
                .creatingParentsIfNeeded()
                .withMode(CreateMode.EPHEMERAL_SEQUENTIAL)
                .forPath(PLACE + "/" + Candidates.PREFIX, data.getBytes(StandardCharsets.UTF_8));
    }

    /** Returns when the client can write again: it notices only by and by that its connection is a new one. */
    public void awaitWrite() throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(CONNECT_SECONDS);
        while (true) {
            try {
                var _ =
                        client.create()
                                .withMode(CreateMode.PERSISTENT_SEQUENTIAL)
                                .forPath(PLACE + "/other-", new byte[0]);
                return;
            } catch (KeeperException.ConnectionLossException e) {
                if (System.nanoTime() > end) {
                    throw e;
                }
                assertThat(client.blockUntilConnected(CONNECT_SECONDS, TimeUnit.SECONDS)).isTrue();
            }
        }
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
}
