package dev.berth.agent.tasks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.SandboxRetention;
import dev.berth.linux.Linux;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.v1.Protos.ContainerInfo;
import dev.berth.protocol.v1.Protos.ExecutorInfo;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.Image;
import dev.berth.protocol.v1.Protos.KillPolicy;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.Volume;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Tasks that cannot be run as they are written end with a reason, and harm nobody but themselves. */
class StrangeTasksTest {
    private static final FrameworkInfo FRAMEWORK =
            FrameworkInfo.newBuilder()
                    .setUser("root")
                    .setName("f")
                    .setId(dev.berth.protocol.v1.Protos.FrameworkID.newBuilder().setValue("M-0"))
                    .build();

    @TempDir Path directory;
    private final HandDrivenHost host = new HandDrivenHost();
    private final List<TaskStatus> sent = new ArrayList<>();
    private TaskBoard board;

    @BeforeEach
    void begin() throws AgentException {
        board =
                new TaskBoard(
                        host,
                        Linux.host(),
                        new TaskPaths(directory),
                        new SandboxRetention(3_600_000_000_000L, 0.1));
        // As a scheduler that acknowledges at once.
        board.master(message -> {
            if (message.getMessageCase() == Link.FromAgent.MessageCase.STATUS_UPDATE) {
                TaskStatus status = message.getStatusUpdate().getStatus();
                sent.add(status);
                host.at(
                        host.monotonicNs(),
                        () ->
                                board.acknowledge(
                                        message.getStatusUpdate().getFrameworkId(),
                                        status.getTaskId().getValue(),
                                        status.getUuid()));
            }
        });
    }

    @AfterEach
    void end() {
        board.close();
    }

    private static TaskInfo.Builder task(String id) {
        TaskInfo.Builder task = TaskInfo.newBuilder().setName(id);
        task.getTaskIdBuilder().setValue(id);
        task.getAgentIdBuilder().setValue("M-S0");
        task.getCommandBuilder().setValue("true");
        return task;
    }

    private static TaskInfo.Builder withVolume(String containerPath, String hostPath) {
        return task("t")
                .setContainer(
                        ContainerInfo.newBuilder()
                                .setType(ContainerInfo.Type.MESOS)
                                .addVolumes(
                                        Volume.newBuilder()
                                                .setMode(Volume.Mode.RW)
                                                .setContainerPath(containerPath)
                                                .setHostPath(hostPath)));
    }

    private void launch(TaskInfo task) {
        board.launch(FRAMEWORK, List.of(task));
        host.pass(1);
        host.pass(1);
    }

    @Test
    void pathThatIsNoneIsTheTasksError() {
        launch(withVolume("a\0b", "/etc").build());
        assertThat(sent.getLast().getState()).isEqualTo(TaskState.TASK_ERROR);
        assertThat(sent.getLast().getMessage()).contains("container_path");
        launch(withVolume("/mnt", "/a\0b").build());
        assertThat(sent.getLast().getState()).isEqualTo(TaskState.TASK_ERROR);
        assertThat(sent.getLast().getMessage()).contains("host_path");
        // Acknowledged: nothing is left of it.
        assertThat(board.views()).hasSize(2).allMatch(TaskView::acknowledged);
    }

    @Test
    void taskThatCouldNotBeNotedIsToldOfUntilItIsAcknowledgedAndNoLonger() throws Exception {
        // As on a full disk: nothing more can be written.
        board.close();
        launch(task("t").build());
        assertThat(sent.getLast().getState()).isEqualTo(TaskState.TASK_FAILED);
        sent.clear();
        host.pass(7_200_000_000_000L);
        assertThat(sent).isEmpty();
    }

    @Test
    void journalStaysSmallUnderATaskThatNeverEnds() throws Exception {
        Path where = directory.resolve("other");
        try (TaskJournal journal = TaskJournal.open(where)) {
            TaskEntry entry =
                    new TaskEntry(
                            FRAMEWORK.getId(),
                            task("t").build(),
                            Optional.empty(),
                            "berth-0123456789abcdef");
            journal.launched(FRAMEWORK, List.of(entry));
            String why = "health check failed: ".repeat(20);
            for (int i = 0; i < 10_000; i++) {
                journal.updated(
                        entry,
                        TaskStatus.newBuilder()
                                .setTaskId(entry.info.getTaskId())
                                .setState(TaskState.TASK_RUNNING)
                                .setMessage(why)
                                .build(),
                        false);
                journal.acknowledged(entry);
            }
        }
        assertThat(Files.size(where.resolve("journal"))).isLessThan(5L << 20);
        try (TaskJournal again = TaskJournal.open(where)) {
            assertThat(again.tasks()).hasSize(1);
            assertThat(again.tasks().values().iterator().next().pending).isEmpty();
            assertThat(again.tasks().values().iterator().next().state())
                    .isEqualTo(TaskState.TASK_RUNNING);
        }
    }

    @Test
    void imageThatTheAgentTripsOverIsTheTasksFailure() {
        // A host that throws where it is asked for an image.
        launch(inImage("t").build());
        assertThat(sent.getLast().getState()).isEqualTo(TaskState.TASK_FAILED);
        assertThat(sent.getLast().getMessage()).contains("no images");
    }

    @Test
    void linkLeadsNoVolumeToTheAgentsOwnFiles(@TempDir Path elsewhere) throws Exception {
        Path link = elsewhere.resolve("link");
        Files.createSymbolicLink(link, directory);
        for (Path path : List.of(link, link.resolve("agent/tasks"))) {
            launch(withVolume("/mnt", path.toString()).build());
            assertThat(sent.getLast().getState()).isEqualTo(TaskState.TASK_FAILED);
            assertThat(sent.getLast().getMessage()).contains("the agent's own files");
        }
    }

    private static TaskInfo.Builder inImage(String id) {
        TaskInfo.Builder task = task(id);
        task.getContainerBuilder()
                .setType(ContainerInfo.Type.MESOS)
                .getMesosBuilder()
                .getImageBuilder()
                .setType(Image.Type.DOCKER)
                .getDockerBuilder()
                .setName("slow");
        return task;
    }

    private static ExecutorInfo executor() {
        ExecutorInfo.Builder executor = ExecutorInfo.newBuilder().setFrameworkId(FRAMEWORK.getId());
        executor.getExecutorIdBuilder().setValue("e");
        return executor.build();
    }

    @Test
    void groupThatCouldNotBeNotedLeavesNoExecutorWithTheMaster() {
        List<Link.ExecutorExited> exited = new ArrayList<>();
        board.master(message -> {
            if (message.hasExecutorExited()) {
                exited.add(message.getExecutorExited());
            }
        });
        board.close();
        board.launchGroup(FRAMEWORK, executor(), List.of(task("a").build(), task("b").build()));
        assertThat(exited).hasSize(1);
        assertThat(exited.getFirst().getExecutorId().getValue()).isEqualTo("e");
    }

    @Test
    void killPolicyIsOfTheMemberOfAGroupThatItNames() throws Exception {
        host.imagesTakeLong = true;
        board.launchGroup(
                FRAMEWORK, executor(), List.of(inImage("a").build(), inImage("b").build()));
        KillPolicy.Builder asked = KillPolicy.newBuilder();
        asked.getGracePeriodBuilder().setNanoseconds(77);
        board.kill(FRAMEWORK.getId(), "b", Optional.of(asked.build()));
        List<String> kills =
                Files.readAllLines(directory.resolve("agent/tasks/journal")).stream()
                        .filter(line -> line.contains("\"KILL\""))
                        .toList();
        assertThat(kills).hasSize(2);
        assertThat(kills)
                .filteredOn(line -> line.contains("\"grace\":77"))
                .singleElement()
                .asString()
                .contains("\"task\":\"b\"");
    }

    @Test
    void outputThatCannotBeCopiedDoesNotHoldUpTheTasksEnd() throws Exception {
        // A power cut may leave half of it.
        Path mark = Files.writeString(directory.resolve("mark"), "1 2");
        List<String> then = new ArrayList<>();
        new OutputCopy(host, Linux.host(), directory.resolve("log"), directory, mark)
                .refresh(() -> then.add("end"));
        assertThat(then).containsExactly("end");
    }

    @Test
    void idIsANameOfAFile() {
        assertThat(TaskPaths.name("job-1.2 x")).isEqualTo("job-1.2 x");
        String name = TaskPaths.name("b\u00fccher");
        assertThat(name).isIn("b\u00fccher", "b%C3%BCcher");
        // What no locale has as a name, in the same way as what this one has not.
        assertThat(TaskPaths.name("a\0\u00fc")).isEqualTo("a%00%C3%BC");
    }
}
