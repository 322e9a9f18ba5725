package dev.berth.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.device.DeviceSetup;
import dev.berth.discovery.DiscoveryException;
import dev.berth.discovery.InnerZooKeeper;
import dev.berth.protocol.v1.Protos.TaskState;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;

/** An agent that finds its master in ZooKeeper; the masters are none. */
@Timeout(60)
class ElectedMasterTest {
    @TempDir Path directory;
    @RegisterExtension final InnerZooKeeper zooKeeper = new InnerZooKeeper();

    private FakeAgent agent() throws AgentException, DiscoveryException {
        return new FakeAgent(
                directory,
                0,
                DeviceSetup.none(directory.resolve("devices")),
                FakeMaster.options(zooKeeper.url()));
    }

    private String stand(FakeMaster master) throws Exception {
        return zooKeeper.stand("127.0.0.1", master.port());
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
            zooKeeper.client().delete().forPath(leader);
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
            zooKeeper.stop();
            assertThat(master.next().hasHeartbeat()).isTrue();
            master.hangUp();
            assertThat(master.accept().getAgentInfo().getId().getValue()).isEqualTo("agent-1");
        }
    }
}
