package dev.berth.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.curator.framework.CuratorFramework;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

@Timeout(60)
class LeaderWatchTest {
    private final LinkedBlockingQueue<Optional<MasterAddress>> told = new LinkedBlockingQueue<>();
    @TempDir Path zooKeeperHome;
    private InnerZooKeeper server;
    private ZooKeeperUrl url;
    private CuratorFramework client;

    @BeforeEach
    void open() throws Exception {
        server = new InnerZooKeeper(zooKeeperHome);
        url = server.url("/berth");
        client = ZooKeeperClients.start(url, 5_000);
        assertThat(client.blockUntilConnected(20, TimeUnit.SECONDS)).isTrue();
    }

    @AfterEach
    void close() throws Exception {
        client.close();
        server.close();
    }

    private String stand(String host) throws Exception {
        String json = "{\"id\":\"x\",\"ip\":0,\"port\":5050,\"hostname\":\"" + host + "\"}";
        return client.create()
                .creatingParentsIfNeeded()
                .withMode(CreateMode.EPHEMERAL_SEQUENTIAL)
                .forPath(
                        url.path() + "/" + Candidates.PREFIX,
                        json.getBytes(StandardCharsets.UTF_8));
    }

    private Optional<MasterAddress> next() throws InterruptedException {
        Optional<MasterAddress> one = told.poll(20, TimeUnit.SECONDS);
        assertThat(one).as("told in time").isNotNull();
        return one;
    }

    @Test
    void everyChangeOfLeaderIsTold() throws Exception {
        try (LeaderWatch _ = LeaderWatch.open(url, told::add)) {
            assertThat(next()).isEmpty();
            String first = stand("m1");
            assertThat(next()).contains(new MasterAddress("m1", 5050));
            stand("m2");
            client.delete().forPath(first);
            assertThat(next()).contains(new MasterAddress("m2", 5050));
        }
    }

    /** The client notices only by and by that its connection is a new one. */
    private void awaitWrite() throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (true) {
            try {
                client.create()
                        .withMode(CreateMode.PERSISTENT_SEQUENTIAL)
                        .forPath(url.path() + "/other-", new byte[0]);
                return;
            } catch (KeeperException.ConnectionLossException e) {
                if (System.nanoTime() > end) {
                    throw e;
                }
                assertThat(client.blockUntilConnected(20, TimeUnit.SECONDS)).isTrue();
            }
        }
    }

    @Test
    void theLastLeaderStandsWhileZooKeeperIsAway() throws Exception {
        stand("m1");
        try (LeaderWatch _ = LeaderWatch.open(url, told::add)) {
            assertThat(next()).contains(new MasterAddress("m1", 5050));
            server.stop();
            server.start();
            awaitWrite();
            assertThat(told.poll()).isNull();
        }
    }
}
