package dev.berth.master.election;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.discovery.DiscoveryException;
import dev.berth.discovery.InnerZooKeeper;
import dev.berth.discovery.MasterAddress;
import dev.berth.discovery.ZooKeeperUrl;
import dev.berth.master.cluster.AgentRecord;
import dev.berth.master.cluster.AgentRecord.Standing;
import dev.berth.master.ids.AgentId;
import dev.berth.master.registry.FencedException;
import dev.berth.master.registry.Write;
import dev.berth.master.registry.ZooKeeperStore;
import dev.berth.protocol.v1.Protos.MasterInfo;

import org.apache.curator.framework.CuratorFramework;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.ZooKeeper;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

@Timeout(120)
class ElectionTest {
    /** Long enough for a machine that is busy with other things. */
    private static final int SESSION_MS = 6_000;

    private final List<Master> masters = new ArrayList<>();
    @RegisterExtension final InnerZooKeeper zooKeeper = new InnerZooKeeper();
    private CuratorFramework client;

    @BeforeEach
    void start() {
        client = zooKeeper.client();
    }

    @AfterEach
    void stop() {
        masters.forEach(master -> master.election.close());
    }

    /** A master that only notes what it is told. */
    private final class Master implements Election.Listener {
        final LinkedBlockingQueue<String> told = new LinkedBlockingQueue<>();
        final LinkedBlockingQueue<String> troubles = new LinkedBlockingQueue<>();
        final String host;
        final Election election;
        volatile ZooKeeperStore store;
        volatile MasterInfo info;

        Master(String host) throws DiscoveryException {
            this(host, zooKeeper.url());
        }

        Master(String host, ZooKeeperUrl url) {
            this.host = host;
            election =
                    Election.open(
                            url,
                            () ->
                                    MasterInfo.newBuilder()
                                            .setId(UUID.randomUUID().toString())
                                            .setIp(0)
                                            .setPort(5050)
                                            .setHostname(host)
                                            .build(),
                            this,
                            SESSION_MS);
            masters.add(this);
        }

        @Override
        public void following(Optional<MasterAddress> leader) {
            told.add("following " + leader.map(MasterAddress::host).orElse("nobody"));
        }

        @Override
        public void leading(MasterInfo self, ZooKeeperStore store) {
            this.store = store;
            info = self;
            told.add("leading");
        }

        @Override
        public void lost(String why) {
            told.add("lost");
        }

        @Override
        public void trouble(Optional<String> what) {
            troubles.add(what.orElse("well"));
        }

        void await(String word) throws InterruptedException {
            List<String> before = new ArrayList<>();
            while (true) {
                String next = told.poll(40, TimeUnit.SECONDS);
                assertThat(next).as("'%s' at %s, after %s", word, host, before).isNotNull();
                if (next.equals(word)) {
                    return;
                }
                before.add(next);
            }
        }
    }

    private static AgentRecord agent(String id, Standing standing) {
        return new AgentRecord(new AgentId(id), standing, "host-" + id, 42, new byte[] {1, 0, -1});
    }

    private List<String> candidates() throws Exception {
        return client.getChildren().forPath("/berth").stream()
                .filter(name -> name.startsWith("json.info_"))
                .sorted()
                .toList();
    }

    /** Ends a master's session in ZooKeeper, without its knowledge: what becomes of a master that is stopped for too long. */
    private void endSession(Master master) throws Exception {
        ZooKeeper theirs = master.election.client().getZookeeperClient().getZooKeeper();
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper same =
                new ZooKeeper(
                        zooKeeper.connectString(),
                        5_000,
                        event -> connected.countDown(),
                        theirs.getSessionId(),
                        theirs.getSessionPasswd());
        assertThat(connected.await(20, TimeUnit.SECONDS)).isTrue();
        same.close();
    }

    @Test
    void theFirstLeadsAndTheOthersKnowIt() throws Exception {
        Master one = new Master("m1");
        one.await("leading");
        Master two = new Master("m2");
        two.await("following m1");
        String json =
                new String(
                        client.getData().forPath("/berth/" + candidates().getFirst()),
                        StandardCharsets.UTF_8);
        assertThat(json).startsWith("{").contains("\"hostname\":\"m1\"").contains("\"port\":5050");
        assertThat(candidates()).hasSize(2).allMatch(n -> n.matches("json\\.info_\\d{10}"));
        assertThat(client.getChildren().forPath("/berth"))
                .as("pymesos takes the least of all others than log_replicas")
                .containsOnlyOnceElementsOf(candidates())
                .contains("log_replicas")
                .hasSize(3);
        one.election.close();
        two.await("leading");
        assertThat(two.store.epoch()).isGreaterThan(one.store.epoch());
    }

    @Test
    void aLeaderWhoseSessionIsOverStopsAndItsNextWriteFails() throws Exception {
        Master one = new Master("m1");
        one.await("leading");
        ZooKeeperStore old = one.store;
        old.load();
        old.commit(List.of(new Write.Put(agent("a", Standing.ADMITTED))));
        Master two = new Master("m2");
        two.await("following m1");
        assertThat(old.isHeld()).isTrue();
        String id = one.info.getId();
        endSession(one);
        two.await("leading");
        one.await("lost");
        one.await("following m2");
        assertThat(old.isHeld()).isFalse();
        assertThatThrownBy(() -> old.commit(List.of(new Write.Put(agent("a", Standing.GONE)))))
                .isInstanceOf(FencedException.class)
                .hasMessageContaining("leads no more");
        assertThat(two.store.load().agents())
                .singleElement()
                .satisfies(a -> assertThat(a.standing()).isEqualTo(Standing.ADMITTED));
        two.election.close();
        one.await("leading");
        assertThat(one.info.getId()).as("a new term has a new master id").isNotEqualTo(id);
    }

    @Test
    void aNewEpochFencesEvenALeaderThatKeepsItsSession() throws Exception {
        Master one = new Master("m1");
        one.await("leading");
        one.store.load();
        client.setData().forPath("/berth/log_replicas/berth/epoch", new byte[0]);
        assertThatThrownBy(() ->
                        one.store.commit(List.of(new Write.Put(agent("a", Standing.ADMITTED)))))
                .isInstanceOf(FencedException.class);
        one.election.resign(one.store);
        one.await("lost");
        one.await("leading");
        one.store.load();
        one.store.commit(List.of(new Write.Put(agent("a", Standing.ADMITTED))));
        assertThat(candidates()).hasSize(1);
    }

    @Test
    void aNodeThatExistsDespiteALostAnswerIsWrittenAllTheSame() throws Exception {
        Master one = new Master("m1");
        one.await("leading");
        one.store.load();
        client.create()
                .forPath(
                        "/berth/log_replicas/berth/agents/a",
                        "{}".getBytes(StandardCharsets.UTF_8));
        one.store.commit(List.of(new Write.Put(agent("a", Standing.GONE))));
        assertThat(one.store.load().agents())
                .singleElement()
                .satisfies(a -> assertThat(a.standing()).isEqualTo(Standing.GONE));
    }

    @Test
    void aLeaderThatZooKeeperDoesNotAnswerStopsBeforeItsSessionIsOver() throws Exception {
        Master one = new Master("m1");
        one.await("leading");
        ZooKeeperStore old = one.store;
        zooKeeper.stop();
        one.await("lost");
        assertThat(old.isHeld()).isFalse();
        zooKeeper.start();
        one.await("leading");
        assertThat(one.store.isHeld()).isTrue();
        assertThat(old.isHeld()).as("over once, over for good").isFalse();
        assertThat(candidates()).as("what is left of it does not stand in its way").hasSize(1);
        assertThat(
                        new String(
                                client.getData().forPath("/berth/" + candidates().getFirst()),
                                StandardCharsets.UTF_8))
                .as("the node tells of this term")
                .contains(one.info.getId());
    }

    @Test
    void aLeaderBeforeWhichANodeIsPutStopsAndLeadsAgainWhenThatIsGone() throws Exception {
        Master one = new Master("m1");
        one.await("leading");
        String id = one.info.getId();
        String before = "/berth/json.info_0000000000";
        one.election.resign(one.store);
        one.await("lost");
        one.await("leading");
        client.create().forPath(before, "not JSON".getBytes(StandardCharsets.UTF_8));
        one.await("lost");
        one.await("following nobody");
        assertThat(one.troubles.poll(20, TimeUnit.SECONDS)).contains("delete " + before);
        client.delete().forPath(before);
        one.await("leading");
        assertThat(one.info.getId()).isNotEqualTo(id);
        assertThat(one.troubles.poll(20, TimeUnit.SECONDS)).isEqualTo("well");
    }

    @Test
    void whatSomebodyRemovedOfTheRegistryIsMadeAgain() throws Exception {
        Master one = new Master("m1");
        one.await("leading");
        for (String removed : List.of("", "/berth/agents", "/berth/weights")) {
            one.store.load();
            client.delete().deletingChildrenIfNeeded().forPath("/berth/log_replicas" + removed);
            assertThatThrownBy(() ->
                            one.store.commit(
                                    List.of(
                                            new Write.Put(agent("a", Standing.ADMITTED)),
                                            new Write.Weights(Map.of("r", 2.0)))))
                    .as(removed)
                    .isInstanceOf(FencedException.class);
            one.election.resign(one.store);
            one.await("lost");
            one.await("leading");
        }
        one.store.load();
        one.store.commit(
                List.of(
                        new Write.Put(agent("a", Standing.ADMITTED)),
                        new Write.Weights(Map.of("r", 2.0))));
        assertThat(one.store.load().weights()).containsEntry("r", 2.0);
    }

    @Test
    void withAPasswordEveryoneReadsAndOnlyMastersWrite() throws Exception {
        Master one = new Master("m1", zooKeeper.urlFor("berth:right"));
        one.await("leading");
        one.store.load();
        one.store.commit(List.of(new Write.Put(agent("a", Standing.ADMITTED))));
        for (String node :
                List.of(
                        "/berth",
                        "/berth/" + candidates().getFirst(),
                        "/berth/log_replicas",
                        "/berth/log_replicas/berth/epoch",
                        "/berth/log_replicas/berth/agents/a")) {
            assertThat(client.getData().forPath(node)).isNotNull();
            assertThatThrownBy(() -> client.setData().forPath(node, new byte[0]))
                    .as(node)
                    .isInstanceOf(KeeperException.NoAuthException.class);
        }
        for (ZooKeeperUrl wrong : List.of(zooKeeper.url(), zooKeeper.urlFor("berth:wrong"))) {
            Master other = new Master("m2", wrong);
            assertThat(other.troubles.poll(20, TimeUnit.SECONDS))
                    .contains("refuses /berth to ", "zk://USER:PASSWORD@")
                    .doesNotContain("wrong");
        }
        Master right = new Master("m3", zooKeeper.urlFor("berth:right"));
        right.await("following m1");
    }

    @Test
    void aMasterThatIsThereBeforeZooKeeperSaysSoAndWaits() throws Exception {
        zooKeeper.stop();
        Master one = new Master("m1");
        assertThat(one.troubles.poll(20, TimeUnit.SECONDS))
                .contains("ZooKeeper does not answer at " + zooKeeper.connectString());
        zooKeeper.start();
        one.await("leading");
        assertThat(one.troubles.poll(20, TimeUnit.SECONDS)).isEqualTo("well");
    }
}
