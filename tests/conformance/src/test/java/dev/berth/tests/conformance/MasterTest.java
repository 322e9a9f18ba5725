package dev.berth.tests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.tests.kit.AgentProcess;
import dev.berth.tests.kit.MasterNode;
import dev.berth.tests.kit.TestScheduler;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A master, an agent and a scheduler, each in a process of its own. */
@Tag("conformance")
@Timeout(120)
class MasterTest {
    @TempDir Path directory;

    @Test
    void aCommandRunsOnAnOffer() throws Exception {
        try (MasterNode master = MasterNode.start(directory.resolve("m")).awaitLeading(20);
                AgentProcess agent =
                        AgentProcess.startFor(
                                master.url(),
                                directory.resolve("a"),
                                "--master-token-file",
                                master.tokenFile().toString(),
                                "--gpus",
                                "sim:8xH100");
                TestScheduler scheduler = TestScheduler.subscribe(master)) {
            String task = launched(scheduler);
            scheduler.awaitState(task, 20, TaskState.TASK_FAILED);
            assertThat(scheduler.updates(task))
                    .extracting(TaskStatus::getState)
                    .containsExactly(
                            TaskState.TASK_STARTING, TaskState.TASK_RUNNING, TaskState.TASK_FAILED);
            assertThat(agent.port()).isPositive();
            assertThat(agent.isRegistered()).isTrue();
            scheduler.teardown().accepted();
        }
    }

    /** SQLite's driver unpacks a library at each start and would leave it in the host's directory for temporary files. */
    @Test
    void howeverOftenAMasterIsKilledItLeavesOneLibrary() throws Exception {
        try (MasterNode master = MasterNode.start(directory.resolve("m")).awaitLeading(20)) {
            for (int i = 0; i < 2; i++) {
                master.kill();
                master.restart();
                master.awaitLeading(20);
            }
            try (Stream<Path> files = Files.list(master.dataRoot().resolve("native"))) {
                assertThat(files).filteredOn(file -> file.toString().endsWith(".so")).hasSize(1);
            }
        }
    }

    /** The name of a task that has begun. An offer may be taken back just before it is used: while the agent still finds GPUs. */
    private static String launched(TestScheduler scheduler) throws Exception {
        for (int i = 0; ; i++) {
            String task = "task-" + i;
            Offer offer =
                    scheduler.awaitOffer(
                            "with GPUs", 20, o -> TestScheduler.amount(o, "gpus") == 8);
            scheduler
                    .launch(offer, List.of(TestScheduler.command(task, "exit 3", 0.1, 32)))
                    .accepted();
            scheduler.await("an answer", 20, () -> scheduler.latest(task).isPresent());
            if (i == 5 || scheduler.updates(task).getFirst().getState() != TaskState.TASK_DROPPED) {
                return task;
            }
        }
    }
}
