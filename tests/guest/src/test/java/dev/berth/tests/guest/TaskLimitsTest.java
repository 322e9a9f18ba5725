package dev.berth.tests.guest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.Value;
import dev.berth.tests.kit.AgentProcess;
import dev.berth.tests.kit.MasterNode;
import dev.berth.tests.kit.TestScheduler;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Memory of tasks, where its limits bite: what a framework is told, and that a limit above the request lets a task use more. */
@Tag("inside")
class TaskLimitsTest {
    private static final double SECONDS = 60;
    private static final String EATS_96_MIB = "dd if=/dev/zero of=/dev/null bs=96M count=1";

    private static MasterNode master;
    private static AgentProcess agent;
    private static TestScheduler scheduler;

    @BeforeAll
    static void start() throws Exception {
        Path directory = Files.createTempDirectory("tasks");
        master = MasterNode.start(directory.resolve("m"), "--allow-anonymous");
        agent = AgentProcess.startFor(master.url(), directory.resolve("a"));
        scheduler = TestScheduler.subscribe(master);
    }

    @AfterAll
    static void stop() {
        scheduler.close();
        agent.close();
        master.close();
    }

    private static TaskStatus end(TaskInfo.Builder task) throws Exception {
        Offer offer =
                scheduler.awaitOffer("memory", SECONDS, o -> TestScheduler.amount(o, "mem") >= 64);
        scheduler.launch(offer, List.of(task)).accepted();
        String id = task.getTaskId().getValue();
        scheduler.await(
                "the end of " + id,
                SECONDS,
                () ->
                        scheduler
                                .latest(id)
                                .filter(s ->
                                        s.getState() != TaskState.TASK_STARTING
                                                && s.getState() != TaskState.TASK_RUNNING)
                                .isPresent());
        return scheduler.latest(id).orElseThrow();
    }

    @Test
    void oneThatUsesMoreThanItMayIsToldSo() throws Exception {
        TaskStatus end = end(TestScheduler.command("greedy", EATS_96_MIB, 0.1, 40));
        assertThat(end.getState()).as(end.toString()).isEqualTo(TaskState.TASK_FAILED);
        assertThat(end.getReason()).isEqualTo(TaskStatus.Reason.REASON_CONTAINER_LIMITATION_MEMORY);
        assertThat(end.getLimitation().getResources(0).getName()).isEqualTo("mem");
        assertThat(end.getLimitation().getResources(0).getScalar().getValue()).isEqualTo(40);
        assertThat(end.getMessage()).contains("40");
    }

    @Test
    void aLimitAboveTheRequestIsWhatHolds() throws Exception {
        TaskInfo.Builder task = TestScheduler.command("bursts", EATS_96_MIB, 0.1, 40);
        task.putLimits("mem", Value.Scalar.newBuilder().setValue(200).build());
        TaskStatus end = end(task);
        assertThat(end.getState()).as(end.toString()).isEqualTo(TaskState.TASK_FINISHED);
    }
}
