package dev.berth.agent.tasks;

import dev.berth.protocol.v1.Protos.FrameworkInfo;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Tasks as the agent's API shows them: those that are not forgotten, and the last {@value #COMPLETED_KEPT} before.
 *
 * <p>Thread: conductor.
 */
final class TaskViews {
    private static final int COMPLETED_KEPT = 150;

    private final TaskJournal journal;
    private final TaskPaths paths;
    private final ArrayDeque<TaskEntry> completed = new ArrayDeque<>();

    TaskViews(TaskJournal journal, TaskPaths paths) {
        this.journal = journal;
        this.paths = paths;
    }

    /** Its scheduler knows its end. */
    void completed(TaskEntry entry) {
        completed.addLast(entry);
        while (completed.size() > COMPLETED_KEPT) {
            completed.removeFirst();
        }
    }

    /** Oldest first. */
    List<TaskView> all(Function<TaskEntry, FrameworkInfo> framework) {
        List<TaskView> out = new ArrayList<>();
        completed.forEach(entry -> out.add(view(entry, framework.apply(entry), true)));
        journal.tasks()
                .values()
                .forEach(entry -> out.add(view(entry, framework.apply(entry), false)));
        return out;
    }

    private TaskView view(TaskEntry entry, FrameworkInfo framework, boolean acknowledged) {
        return new TaskView(
                framework,
                entry.task(),
                entry.info,
                entry.executor,
                entry.executorId(),
                paths.sandbox(entry),
                entry.isTerminal(),
                acknowledged,
                Optional.ofNullable(entry.run).flatMap(TaskRun::view));
    }
}
