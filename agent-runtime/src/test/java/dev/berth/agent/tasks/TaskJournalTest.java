package dev.berth.agent.tasks;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;

import dev.berth.agent.config.AgentException;
import dev.berth.linux.Linux;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What is written down of tasks, and what of it is read back, also where a part could not be written. */
class TaskJournalTest {
    private static final FrameworkInfo FRAMEWORK =
            FrameworkInfo.newBuilder()
                    .setUser("root")
                    .setName("f")
                    .setId(FrameworkID.newBuilder().setValue("M-0"))
                    .build();

    @TempDir Path directory;

    private static TaskEntry entry() {
        TaskInfo.Builder task = TaskInfo.newBuilder().setName("t");
        task.getTaskIdBuilder().setValue("t");
        task.getAgentIdBuilder().setValue("M-S0");
        return new TaskEntry(
                FRAMEWORK.getId(), task.build(), Optional.empty(), "berth-0123456789abcdef");
    }

    private static TaskStatus status(TaskState state, String uuid) {
        return TaskStatus.newBuilder()
                .setTaskId(entry().info.getTaskId())
                .setState(state)
                .setUuid(ByteString.copyFromUtf8(uuid))
                .build();
    }

    private TaskEntry read() throws AgentException {
        try (TaskJournal journal = TaskJournal.open(directory)) {
            return journal.tasks().values().iterator().next();
        }
    }

    @Test
    void anAcknowledgementIsOfTheUpdateThatItNames() throws Exception {
        TaskStatus running = status(TaskState.TASK_RUNNING, "first");
        TaskStatus finished = status(TaskState.TASK_FINISHED, "second");
        try (TaskJournal journal = TaskJournal.open(directory)) {
            TaskEntry entry = entry();
            journal.launched(FRAMEWORK, List.of(entry));
            journal.updated(entry, running, false);
            journal.updated(entry, finished, false);
            journal.acknowledged(entry);
        }
        assertThat(read().pending).containsExactly(finished);
        // The line of the first update is one that a full disk never took.
        Path file = directory.resolve("journal");
        List<String> lines = new ArrayList<>(Files.readAllLines(file));
        assertThat(lines.remove(2)).contains("UPDATE");
        Files.write(file, lines);
        assertThat(read().pending).containsExactly(finished);
    }

    @Test
    void aJournalThatCannotBecomeShorterCostsNoUpdate() throws Exception {
        TaskStatus finished = status(TaskState.TASK_FINISHED, "second");
        // In the place of what a compaction writes first.
        Files.createDirectories(directory.resolve("journal.new/in the way"));
        try (TaskJournal journal = TaskJournal.open(directory)) {
            TaskEntry entry = entry();
            journal.launched(FRAMEWORK, List.of(entry));
            TaskStatus big =
                    status(TaskState.TASK_RUNNING, "big").toBuilder()
                            .setMessage("x".repeat(5 << 20))
                            .build();
            journal.updated(entry, big, false);
            journal.updated(entry, finished, false);
            journal.acknowledged(entry);
            assertThat(entry.pending).containsExactly(finished);
        }
        assertThat(read().pending).containsExactly(finished);
    }

    @Test
    void theIdOfTheAgentIsKnownAlsoWhereItCannotBeWritten() throws Exception {
        TaskJournal journal = TaskJournal.open(directory);
        journal.close();
        try {
            journal.keepAgentId("M-S1");
        } catch (AgentException _) {
            // Closed, as a full disk.
        }
        assertThat(journal.agentId()).contains("M-S1");
    }

    @Test
    void newsThatNobodyTakesDoesNotPileUp() throws Exception {
        HandDrivenHost host = new HandDrivenHost();
        TaskEntry entry = entry();
        List<TaskStatus> sent = new ArrayList<>();
        try (TaskJournal journal = TaskJournal.open(directory)) {
            TaskUpdates updates =
                    new TaskUpdates(host, journal, TaskSteps.fromProperty(Linux.host()), _ -> {});
            updates.master(message -> {
                if (message.getMessageCase() == Link.FromAgent.MessageCase.STATUS_UPDATE) {
                    sent.add(message.getStatusUpdate().getStatus());
                }
            });
            journal.launched(FRAMEWORK, List.of(entry));
            for (int i = 0; i < 10_000; i++) {
                updates.publish(
                        entry,
                        TaskStatus.newBuilder()
                                .setState(TaskState.TASK_RUNNING)
                                .setMessage("health check failed: " + i + "x".repeat(500)));
            }
            updates.publish(entry, TaskStatus.newBuilder().setState(TaskState.TASK_FAILED));
            assertThat(entry.pending).hasSize(TaskUpdates.MOST_PENDING + 1);
            assertThat(size()).isLessThan(5L << 20);
            assertThat(read().pending).containsExactlyElementsOf(entry.pending);
            while (!entry.pending.isEmpty()) {
                updates.acknowledged(entry, sent.getLast().getUuid());
            }
        }
        assertThat(sent.getFirst().getMessage()).contains(": 0x");
        // In order, and the newest of all is among them.
        assertThat(sent.get(sent.size() - 2).getMessage()).contains(": 9999x");
        assertThat(sent.getLast().getState()).isEqualTo(TaskState.TASK_FAILED);
    }

    @Test
    void whatNobodyAcknowledgesIsSentAgainEverLaterAndNothingElseBeforeIt() throws Exception {
        HandDrivenHost host = new HandDrivenHost();
        TaskEntry entry = entry();
        List<TaskStatus> sent = new ArrayList<>();
        List<Long> at = new ArrayList<>();
        long second = 1_000_000_000L;
        try (TaskJournal journal = TaskJournal.open(directory)) {
            TaskUpdates updates =
                    new TaskUpdates(host, journal, TaskSteps.fromProperty(Linux.host()), _ -> {});
            updates.master(message -> {
                sent.add(message.getStatusUpdate().getStatus());
                at.add(host.monotonicNs() / second);
            });
            journal.launched(FRAMEWORK, List.of(entry));
            updates.publish(entry, TaskStatus.newBuilder().setState(TaskState.TASK_RUNNING));
            updates.publish(entry, TaskStatus.newBuilder().setState(TaskState.TASK_FINISHED));
            host.pass(3_000 * second);
            assertThat(at).startsWith(0L, 10L, 30L, 70L, 150L, 310L, 630L, 1_230L, 1_830L);
            assertThat(sent).allMatch(status -> status.equals(sent.getFirst()));
            // Another's, or an old one, is none.
            updates.acknowledged(entry, entry.latest.orElseThrow().getUuid());
            assertThat(entry.pending).hasSize(2);
            sent.clear();
            at.clear();
            updates.acknowledged(entry, entry.pending.element().getUuid());
            host.pass(10 * second);
            assertThat(at).containsExactly(3_000L, 3_010L);
            assertThat(sent).allMatch(status -> status.getState() == TaskState.TASK_FINISHED);
        }
    }

    private long size() throws IOException {
        return Files.size(directory.resolve("journal"));
    }
}
