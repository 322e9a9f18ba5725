package dev.berth.tests.root.tasks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.gpu.simulator.Simulator;
import dev.berth.linux.Linux;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.tests.kit.TestScheduler;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** GPUs as the master sees them. */
@Tag("root")
@Timeout(60)
@ExtendWith(TaskCluster.Shared.class)
class TaskGpuReportTest {
    @Test
    void oneThatFallsOffTheBusIsNotOfferedAnyMore(TaskCluster cluster) throws Exception {
        cluster.scheduler.awaitWhole(
                "four GPUs", 20, offer -> TestScheduler.amount(offer, "gpus") == 4);
        TaskInfo.Builder task =
                cluster.shell("gpu", "nvidia-smi -L | wc -l")
                        .addResources(TestScheduler.scalar("gpus", 2));
        assertThat(cluster.run(task).getState()).isEqualTo(TaskState.TASK_FINISHED);
        assertThat(cluster.stdout(task)).isEqualTo("2\n");
        Simulator.controlOf(Linux.host(), cluster.agent.dataRoot().resolve("simulator"))
                .orElseThrow()
                .xid(3, 79);
        cluster.scheduler.awaitWhole(
                "three GPUs", 20, offer -> TestScheduler.amount(offer, "gpus") == 3);
    }
}
