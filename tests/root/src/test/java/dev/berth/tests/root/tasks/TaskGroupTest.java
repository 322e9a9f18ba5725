package dev.berth.tests.root.tasks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.protocol.v1.Protos.ExecutorInfo;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.TaskStatus.Reason;
import dev.berth.protocol.v1.Protos.Volume;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Groups: all run or none, and they end together. */
@Tag("root")
@Timeout(60)
@ExtendWith(TaskCluster.Shared.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TaskGroupTest {
    private TaskCluster cluster;

    @BeforeAll
    void begin(TaskCluster shared) {
        cluster = shared;
    }

    private static void share(TaskInfo.Builder task) {
        task.getContainerBuilder()
                .setType(dev.berth.protocol.v1.Protos.ContainerInfo.Type.MESOS)
                .addVolumesBuilder()
                .setMode(Volume.Mode.RW)
                .setContainerPath("shared")
                .getSourceBuilder()
                .setType(Volume.Source.Type.SANDBOX_PATH)
                .getSandboxPathBuilder()
                .setType(Volume.Source.SandboxPath.Type.PARENT)
                .setPath("common");
    }

    @Test
    void theyShareTheHostsNetworkAndADirectory() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        TaskInfo.Builder serves =
                cluster.inImage(
                        "serves",
                        "cd $MESOS_SANDBOX/shared; echo over $MESOS_CONTAINER_IP > ip; busybox httpd -f -p 127.0.0.1:"
                                + port
                                + " & while [ ! -e answer ]; do sleep 0.02; done; cat answer");
        TaskInfo.Builder asks =
                cluster.shell(
                        "asks",
                        "until busybox wget -q -O - http://127.0.0.1:"
                                + port
                                + "/ip; do sleep 0.05; done; cd shared; echo by file > new; mv new answer");
        share(serves);
        share(asks);
        ExecutorInfo.Builder executor = cluster.executor("pod");
        cluster.launchGroup(executor, List.of(serves, asks));
        TaskStatus end = cluster.end(serves);
        String pod = executor.getExecutorId().getValue();
        Path tasks = cluster.run(pod).resolve("tasks");
        assertThat(end.getState())
                .as(end + Files.readString(tasks.resolve(TaskCluster.id(serves)).resolve("stderr")))
                .isEqualTo(TaskState.TASK_FINISHED);
        assertThat(end.getExecutorId().getValue()).isEqualTo(pod);
        assertThat(cluster.end(asks).getState()).isEqualTo(TaskState.TASK_FINISHED);
        assertThat(tasks.resolve(TaskCluster.id(asks)).resolve("stdout"))
                .hasContent("over 127.0.0.1\n");
        assertThat(tasks.resolve(TaskCluster.id(serves)).resolve("stdout")).hasContent("by file\n");
    }

    @Test
    void whatTheyShareIsTheirUsers() throws Exception {
        List<TaskInfo.Builder> tasks = new java.util.ArrayList<>();
        for (String name : List.of("one", "two")) {
            TaskInfo.Builder task =
                    cluster.inImage(name, "cd $MESOS_SANDBOX/shared && touch $MESOS_TASK_ID");
            task.getCommandBuilder().setUser("bob");
            share(task);
            tasks.add(task);
        }
        cluster.launchGroup(cluster.executor("pod"), tasks);
        for (TaskInfo.Builder task : tasks) {
            TaskStatus end = cluster.end(task);
            assertThat(end.getState()).as(end.getMessage()).isEqualTo(TaskState.TASK_FINISHED);
        }
    }

    @Test
    void oneThatFailsEndsTheOthers() throws Exception {
        TaskInfo.Builder fails = cluster.shell("fails", "sleep 0.3; exit 5");
        TaskInfo.Builder other = cluster.shell("other", "sleep 1000");
        cluster.launchGroup(cluster.executor("pod"), List.of(other, fails));
        assertThat(cluster.end(fails).getMessage()).contains("status 5");
        TaskStatus end = cluster.end(other);
        assertThat(end.getState()).isEqualTo(TaskState.TASK_KILLED);
        assertThat(end.getMessage()).contains("signal 15");
    }

    @Test
    void oneThatEndsWellLeavesTheOthers() throws Exception {
        TaskInfo.Builder done = cluster.shell("done", "exit 0");
        TaskInfo.Builder other = cluster.shell("goes-on", "sleep 1000");
        cluster.launchGroup(cluster.executor("pod"), List.of(other, done));
        assertThat(cluster.end(done).getState()).isEqualTo(TaskState.TASK_FINISHED);
        assertThat(cluster.running(other).getState()).isEqualTo(TaskState.TASK_RUNNING);
        cluster.kill(other, Optional.of(TaskCluster.grace(0)));
        assertThat(cluster.end(other).getState()).isEqualTo(TaskState.TASK_KILLED);
    }

    @Test
    void noneStartsBeforeAllAreThereAndAKillOfOneEndsAll() throws Exception {
        TaskInfo.Builder ready = cluster.shell("ready", "touch $MESOS_SANDBOX/began; sleep 1000");
        TaskInfo.Builder pulling = cluster.shell("pulling", "true");
        pulling.setContainer(TaskCluster.image(cluster.silentRegistry() + "/never/comes:2"));
        ExecutorInfo.Builder executor = cluster.executor("pod");
        cluster.launchGroup(executor, List.of(ready, pulling));
        Path sandbox =
                cluster.run(executor.getExecutorId().getValue())
                        .resolve("tasks")
                        .resolve(TaskCluster.id(ready));
        dev.berth.tests.kit.Await.until(
                "the other is created", 20, () -> Files.exists(sandbox.resolve("stdout")));
        cluster.kill(pulling, Optional.empty());
        for (TaskInfo.Builder task : List.of(ready, pulling)) {
            TaskStatus end = cluster.end(task);
            assertThat(end.getState()).isEqualTo(TaskState.TASK_KILLED);
            assertThat(end.getReason()).isEqualTo(Reason.REASON_TASK_KILLED_DURING_LAUNCH);
        }
        assertThat(sandbox.resolve("began")).doesNotExist();
    }

    @Test
    void aGroupWithOneThatCannotBeMadeIsRefusedAsAWhole() throws Exception {
        TaskInfo.Builder good = cluster.shell("good", "touch $MESOS_SANDBOX/began");
        TaskInfo.Builder bad = cluster.shell("bad", "true");
        bad.getCommandBuilder().addUrisBuilder().setValue("http://127.0.0.1/x");
        cluster.launchGroup(cluster.executor("pod"), List.of(good, bad));
        for (TaskInfo.Builder task : List.of(good, bad)) {
            TaskStatus end = cluster.end(task);
            assertThat(end.getState()).isEqualTo(TaskState.TASK_ERROR);
            assertThat(end.getReason()).isEqualTo(Reason.REASON_TASK_GROUP_INVALID);
            assertThat(end.getMessage()).contains("command.uris");
        }
    }

    @Test
    void aGroupWithANetworkOfItsOwnIsRefusedByName() throws Exception {
        TaskInfo.Builder task = cluster.shell("networked", "true");
        ExecutorInfo.Builder executor = cluster.executor("pod");
        executor.getContainerBuilder()
                .setType(dev.berth.protocol.v1.Protos.ContainerInfo.Type.MESOS)
                .addNetworkInfosBuilder()
                .setName("weave");
        cluster.launchGroup(executor, List.of(task));
        TaskStatus end = cluster.end(task);
        assertThat(end.getState()).isEqualTo(TaskState.TASK_ERROR);
        assertThat(end.getMessage()).contains("network_infos");
    }
}
