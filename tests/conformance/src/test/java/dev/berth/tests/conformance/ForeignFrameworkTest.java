package dev.berth.tests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;

import dev.berth.tests.kit.AgentProcess;
import dev.berth.tests.kit.MasterNode;
import dev.berth.tests.kit.ZooKeeperNode;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Frameworks that know nothing of us, on a real master and agent and through a change of master: one on the public mesos-rxjava client (protobuf), one in JSON on the JDK's HTTP client, both at the same time on the same agent. Every task begins
 * once and ends once; those that run while there is no master run on.
 */
@Tag("conformance")
@Timeout(120)
class ForeignFrameworkTest {
    /** How each task must end, by the id behind its framework's prefix. */
    private static final Map<String, String> ENDS =
            new TreeMap<>(
                    Map.of(
                            "-quick", "TASK_FINISHED",
                            "-fails", "TASK_FAILED",
                            "-gpu", "TASK_FINISHED",
                            "-long-1", "TASK_FINISHED",
                            "-long-2", "TASK_FINISHED",
                            "-during", "TASK_FINISHED",
                            "-late-1", "TASK_FINISHED",
                            "-late-2", "TASK_FINISHED"));

    @TempDir Path directory;
    private Path shared;

    @BeforeEach
    void share() throws Exception {
        shared = Files.createDirectory(directory.resolve("shared"));
    }

    @Test
    void theyOutliveAMasterThatIsKilledAndStartedAgain() throws Exception {
        try (MasterNode master = MasterNode.start(directory.resolve("m")).awaitLeading(20);
                AgentProcess agent = agent(master.url(), master.tokenFile());
                Closeable _ = () -> removeTasks(agent);
                ForeignFramework rx = rx(List.of(master));
                ForeignFramework json = json(List.of(master))) {
            List<ForeignFramework> both = List.of(rx, json);
            awaitRunning(both);
            master.kill();
            Files.createFile(shared.resolve("down"));
            master.restart();
            awaitTheirEnds(both);
            assertThat(json.said("redirected")).isEmpty();
        }
    }

    @Test
    void theyFollowTheLeaderOfMastersOnZooKeeper() throws Exception {
        Path token = directory.resolve("token");
        try (ZooKeeperNode zooKeeper = ZooKeeperNode.start(directory.resolve("zk"))) {
            String[] options = {
                "--zk", zooKeeper.url("/witness"), "--token-file", token.toString()
            };
            try (MasterNode first = MasterNode.start(directory.resolve("m1"), options);
                    MasterNode second = MasterNode.start(directory.resolve("m2"), options)) {
                MasterNode leader = MasterNode.awaitLeader(List.of(first, second), 30);
                MasterNode other = leader == first ? second : first;
                // The one that does not lead comes first: both must be sent on.
                List<MasterNode> masters = List.of(other, leader);
                try (AgentProcess agent = agent(zooKeeper.url("/witness"), token);
                        Closeable _ = () -> removeTasks(agent);
                        ForeignFramework rx = rx(masters);
                        ForeignFramework json = json(masters)) {
                    List<ForeignFramework> both = List.of(rx, json);
                    awaitRunning(both);
                    assertThat(json.said("redirected")).isNotEmpty();
                    leader.kill();
                    Files.createFile(shared.resolve("down"));
                    awaitTheirEnds(both);
                    assertThat(other.leads()).isTrue();
                }
            }
        }
    }

    private AgentProcess agent(String masters, Path token) throws Exception {
        return AgentProcess.startFor(
                masters,
                directory.resolve("a"),
                "--master-token-file",
                token.toString(),
                "--gpus",
                "sim:4xL40S");
    }

    /** Those that a test that failed has left. */
    private static void removeTasks(AgentProcess agent) throws IOException {
        for (JsonNode container : agent.engine().call("GET", "/containers/json?all=1", "")) {
            agent.engine().remove(container.path("Id").asText());
        }
    }

    private ForeignFramework rx(List<MasterNode> masters) throws Exception {
        return ForeignFramework.start("RxFramework", "rx", masters, shared);
    }

    private ForeignFramework json(List<MasterNode> masters) throws Exception {
        return ForeignFramework.start("JsonFramework", "json", masters, shared);
    }

    /** Until everything that waits runs, and what ends by itself has ended. */
    private static void awaitRunning(List<ForeignFramework> frameworks) throws Exception {
        for (ForeignFramework framework : frameworks) {
            for (String task : List.of("gpu", "long-1", "long-2", "during")) {
                framework.await("update " + framework.name() + "-" + task + " TASK_RUNNING", 30);
            }
            framework.await("ended " + framework.name() + "-fails", 30);
            framework.await("ended " + framework.name() + "-quick", 30);
        }
    }

    /** From the new master on: what ended meanwhile is told, new tasks run, and everything ends when it may. */
    private void awaitTheirEnds(List<ForeignFramework> frameworks) throws Exception {
        for (ForeignFramework framework : frameworks) {
            String name = framework.name();
            framework.await("ended " + name + "-during", 30);
            framework.await("update " + name + "-late-2 TASK_RUNNING", 30);
            for (String task : List.of("gpu", "long-1", "long-2")) {
                assertThat(framework.said("ended " + name + "-" + task)).isEmpty();
            }
        }
        Files.createFile(shared.resolve("go"));
        for (ForeignFramework framework : frameworks) {
            assertThat(framework.awaitEnd(30)).as(framework.text()).isZero();
            judge(framework);
        }
    }

    private void judge(ForeignFramework framework) throws Exception {
        String name = framework.name();
        assertThat(framework.said("ended "))
                .as(framework.text())
                .containsExactlyInAnyOrderElementsOf(
                        ENDS.entrySet().stream()
                                .map(end -> "ended " + name + end.getKey() + " " + end.getValue())
                                .toList());
        assertThat(framework.said("update " + name + "-fails TASK_FAILED"))
                .containsExactly(
                        "update " + name + "-fails TASK_FAILED Command exited with status 3");
        for (String task : ENDS.keySet()) {
            assertThat(Files.readString(shared.resolve(name + task)))
                    .as(name + task + " began once")
                    .isEqualTo("begun\n");
        }
        assertThat(Files.readAllLines(shared.resolve("devices-" + name)))
                .as("one GPU of four")
                .hasSize(1)
                .allMatch(device -> device.matches("/dev/nvidia\\d"));
        assertThat(framework.said("error")).isEmpty();
        List<String> ids =
                framework.said("subscribed").stream().map(line -> line.split(" ")[1]).toList();
        assertThat(ids).hasSizeGreaterThan(1);
        assertThat(ids.stream().distinct()).as("one id for all subscriptions").hasSize(1);
    }
}
