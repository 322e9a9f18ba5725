package dev.berth.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.zookeeper.ZooDefs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

@Timeout(60)
class LeaderWatchTest {
    private final LinkedBlockingQueue<Optional<MasterAddress>> told = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<Optional<String>> troubles = new LinkedBlockingQueue<>();
    @RegisterExtension final InnerZooKeeper zooKeeper = new InnerZooKeeper();

    private static <T> Optional<T> next(LinkedBlockingQueue<Optional<T>> queue)
            throws InterruptedException {
        Optional<T> one = queue.poll(20, TimeUnit.SECONDS);
        assertThat(one).as("told in time").isNotNull();
        return one;
    }

    private LeaderWatch watch(ZooKeeperUrl url) {
        return LeaderWatch.open(url, told::add, troubles::add);
    }

    /** Where nobody listens. */
    private static int deadPort() throws Exception {
        try (ServerSocket any = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return any.getLocalPort();
        }
    }

    @Test
    void everyChangeOfLeaderIsTold() throws Exception {
        try (LeaderWatch _ = watch(zooKeeper.url())) {
            assertThat(next(told)).isEmpty();
            assertThat(next(troubles).orElseThrow())
                    .contains("no master has ever stood", zooKeeper.url().toString(), "--zk");
            String first = zooKeeper.stand("m1", 5050);
            assertThat(next(told)).contains(new MasterAddress("m1", 5050));
            assertThat(next(troubles)).isEmpty();
            zooKeeper.stand("m2", 5050);
            zooKeeper.client().delete().forPath(first);
            assertThat(next(told)).contains(new MasterAddress("m2", 5050));
        }
    }

    @Test
    void theLastLeaderStandsWhileZooKeeperIsAway() throws Exception {
        zooKeeper.stand("m1", 5050);
        try (LeaderWatch _ = watch(zooKeeper.url())) {
            assertThat(next(told)).contains(new MasterAddress("m1", 5050));
            zooKeeper.stop();
            zooKeeper.start();
            zooKeeper.awaitWrite();
            assertThat(told.poll()).isNull();
        }
    }

    @Test
    void serversThatAreAwayOrUnknownArePassedOver() throws Exception {
        zooKeeper.stand("m1", 5050);
        String servers = "127.0.0.1:" + deadPort() + ",no-such-host.invalid:2181,";
        try (LeaderWatch _ =
                watch(
                        ZooKeeperUrl.parse(
                                "zk://" + servers + zooKeeper.connectString() + "/berth"))) {
            assertThat(next(told)).contains(new MasterAddress("m1", 5050));
        }
    }

    @Test
    void thatNobodyAnswersIsSaidWithTheHostThatIsUnknown() throws Exception {
        String servers = "127.0.0.1:" + deadPort() + ",no-such-host.invalid:2181";
        try (LeaderWatch _ = watch(ZooKeeperUrl.parse("zk://me:secret@" + servers + "/berth"))) {
            assertThat(next(troubles).orElseThrow())
                    .contains("does not answer at " + servers, "no such host: no-such-host.invalid")
                    .doesNotContain("secret");
        }
    }

    @Test
    void aFirstNodeThatNoMasterHasWrittenIsNamed() throws Exception {
        String foreign = zooKeeper.stand("hello");
        zooKeeper.stand("m2", 5050);
        try (LeaderWatch _ = watch(zooKeeper.url())) {
            assertThat(next(told)).isEmpty();
            assertThat(next(troubles).orElseThrow()).contains("delete " + foreign);
            zooKeeper
                    .client()
                    .setData()
                    .forPath(
                            foreign,
                            "{\"id\":\"x\",\"ip\":0,\"port\":1,\"hostname\":\"m1\"}"
                                    .getBytes(StandardCharsets.UTF_8));
            assertThat(next(told)).contains(new MasterAddress("m1", 1));
        }
    }

    @Test
    void whoMayNotReadIsToldOfThePassword() throws Exception {
        zooKeeper.stand("m1", 5050);
        try (var owner = ZooKeeperClients.start(zooKeeper.urlFor("berth:right"), 10_000)) {
            assertThat(owner.blockUntilConnected(20, TimeUnit.SECONDS)).isTrue();
            owner.setACL().withACL(ZooDefs.Ids.CREATOR_ALL_ACL).forPath("/berth");
        }
        try (LeaderWatch _ = watch(zooKeeper.urlFor("berth:wrong"))) {
            assertThat(next(troubles).orElseThrow())
                    .contains("refuses /berth to user 'berth'", "zk://USER:PASSWORD@")
                    .doesNotContain("wrong");
        }
        try (LeaderWatch _ = watch(zooKeeper.urlFor("berth:right"))) {
            assertThat(next(told)).contains(new MasterAddress("m1", 5050));
        }
    }
}
