package dev.berth.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.device.DeviceSetup;
import dev.berth.discovery.Candidates;
import dev.berth.discovery.InnerZooKeeper;
import dev.berth.discovery.ZooKeeperClients;
import dev.berth.discovery.ZooKeeperUrl;
import dev.berth.protocol.v1.Protos.TaskState;

import org.apache.curator.framework.CuratorFramework;
import org.apache.zookeeper.CreateMode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** An agent that finds its master in ZooKeeper; the masters are none. */
@Timeout(60)
class ElectedMasterTest {
    @TempDir Path directory;
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

    private FakeAgent agent() throws AgentException {
        return new FakeAgent(
                directory,
                0,
                DeviceSetup.none(directory.resolve("devices")),
                FakeMaster.options(url));
    }

    private String stand(FakeMaster master) throws Exception {
        String info =
                "{\"id\":\"x\",\"ip\":0,\"port\":" + master.port() + ",\"hostname\":\"127.0.0.1\"}";
        return client.create()
                .creatingParentsIfNeeded()
                .withMode(CreateMode.EPHEMERAL_SEQUENTIAL)
                .forPath(
                        url.path() + "/" + Candidates.PREFIX,
                        info.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void itGoesToWhoeverIsElectedAndLeavesTheOldOneAtOnce() throws Exception {
        try (FakeMaster first = new FakeMaster();
                FakeMaster second = new FakeMaster();
                FakeAgent _ = agent()) {
            String leader = stand(first);
            assertThat(first.accept().getAgentInfo().hasId()).isFalse();
            first.launch(FakeMaster.task("t", "sleep"));
            first.until(TaskState.TASK_RUNNING);
            stand(second);
            // The first one lives, and its link too: only the election says that it leads no more.
            client.delete().forPath(leader);
            var again = second.accept();
            assertThat(again.getAgentInfo().getId().getValue()).isEqualTo("agent-1");
            assertThat(again.getTasksList())
                    .extracting(task -> task.getTaskId().getValue() + " " + task.getState())
                    .containsExactly("t TASK_RUNNING");
        }
    }

    @Test
    void withoutZooKeeperTheLastLeaderStands() throws Exception {
        try (FakeMaster master = new FakeMaster();
                FakeAgent _ = agent()) {
            stand(master);
            master.accept();
            server.stop();
            assertThat(master.next().hasHeartbeat()).isTrue();
            master.hangUp();
            assertThat(master.accept().getAgentInfo().getId().getValue()).isEqualTo("agent-1");
        }
    }
}
