package dev.berth.agent.tasks;

import dev.berth.protocol.link.Link;
import dev.berth.protocol.v1.Protos.ExecutorID;
import dev.berth.protocol.v1.Protos.TaskState;

import java.util.List;

/**
 * Tasks that are launched together: none starts before all are created, and one that does not end well takes the others with it.
 *
 * <p>Thread: conductor.
 */
final class TaskGroups {
    private final TaskJournal journal;
    private final TaskSteps steps;

    TaskGroups(TaskJournal journal, TaskSteps steps) {
        this.journal = journal;
        this.steps = steps;
    }

    /** The members that the journal still has. */
    List<TaskEntry> of(TaskEntry member) {
        String prefix = member.container.substring(0, TaskPaths.GROUP_NAME);
        return journal.tasks().values().stream()
                .filter(entry -> entry.executor.isPresent() && entry.container.startsWith(prefix))
                .toList();
    }

    /** Whether a member has ended in a way that ends the others. */
    boolean isFailed(TaskEntry entry) {
        return entry.executor.isPresent()
                && of(entry).stream()
                        .anyMatch(member ->
                                member.isTerminal() && member.state() != TaskState.TASK_FINISHED);
    }

    /** A member has its container; when all have, all start. After a crash of the agent some may have started, and even ended, before. */
    void onCreated(TaskEntry entry) {
        if (entry.executor.isEmpty()) {
            return;
        }
        List<TaskEntry> group = of(entry);
        for (TaskEntry member : group) {
            TaskRun run = member.run;
            boolean done = member.state() == TaskState.TASK_FINISHED;
            if (!done && (run == null || !run.isCreated() || member.isTerminal())) {
                return;
            }
        }
        for (TaskEntry member : group) {
            TaskRun run = member.run;
            if (run != null) {
                run.release();
            }
        }
    }

    /** Tells the master when nothing of an executor's tasks runs any more. */
    void tellWhenAllEnded(TaskEntry entry, MasterSide master) {
        for (TaskEntry other : journal.tasks().values()) {
            if (other.executor.isPresent()
                    && other.framework.equals(entry.framework)
                    && other.executorId().equals(entry.executorId())
                    && !other.isTerminal()) {
                return;
            }
        }
        master.send(
                Link.FromAgent.newBuilder()
                        .setExecutorExited(
                                Link.ExecutorExited.newBuilder()
                                        .setFrameworkId(entry.framework)
                                        .setExecutorId(
                                                ExecutorID.newBuilder()
                                                        .setValue(entry.executorId()))
                                        .setStatus(0))
                        .build());
        steps.reached(TaskStep.EXECUTOR_EXIT_SENT, entry);
    }
}
