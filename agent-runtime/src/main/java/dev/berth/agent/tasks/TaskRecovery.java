package dev.berth.agent.tasks;

import dev.berth.agent.conductor.Answer;
import dev.berth.agent.conductor.ContainerView;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Goes on where the agent before this one was, between whichever two steps it died.
 *
 * <p>Thread: conductor.
 */
final class TaskRecovery {
    private final TaskBoard board;
    private final TaskHost host;
    private final TaskJournal journal;
    private final TaskSteps steps;

    TaskRecovery(TaskBoard board, TaskHost host, TaskJournal journal, TaskSteps steps) {
        this.board = board;
        this.host = host;
        this.journal = journal;
        this.steps = steps;
    }

    void run(List<ContainerView> containers) {
        List<TaskEntry> all = List.copyOf(journal.tasks().values());
        sweep(all, containers);
        List<TaskEntry> live = new ArrayList<>();
        for (TaskEntry entry : all) {
            if (entry.isTerminal()) {
                host.containers().remove(entry.container, true, Answer.ignore());
                steps.reached(TaskStep.REMOVAL_ASKED, entry);
            } else {
                live.add(entry);
                TaskRun run = board.run(entry);
                if (entry.executor.isPresent()) {
                    run.hold();
                }
            }
            if (isOver(entry) || (entry.isTerminal() && entry.pending.isEmpty())) {
                board.updates().settle(entry);
            }
        }
        live.forEach(this::goOn);
    }

    private boolean isOver(TaskEntry entry) {
        return journal.isOver(entry.framework.getValue());
    }

    private void goOn(TaskEntry entry) {
        if (entry.latest.isEmpty()) {
            board.starting(entry);
        }
        // It may have died before it had taken the others of a group with one.
        if (entry.killGraceNs.isEmpty() && (isOver(entry) || board.groups().isFailed(entry))) {
            board.killAsked(entry, board.graceNs(entry, Optional.empty()));
        }
        TaskRun run = entry.run;
        if (run != null) {
            run.resume(board.framework(entry));
        }
    }

    /** Takes away what is left of tasks that the journal no longer has: it forgets a task as soon as its end is acknowledged, whatever was still to be removed. */
    private void sweep(List<TaskEntry> all, List<ContainerView> containers) {
        Set<String> known = new HashSet<>();
        all.forEach(entry -> known.add(entry.container));
        for (ContainerView container : containers) {
            Optional<String> task = task(container);
            if (task.isPresent() && !known.contains(container.name())) {
                host.containers().remove(container.name(), true, Answer.ignore());
                steps.reached(TaskStep.REMOVAL_ASKED, task.get());
            }
        }
        host.onLane(() -> sweepPositions(known));
    }

    private static Optional<String> task(ContainerView container) {
        if (!container.name().startsWith(TaskPaths.CONTAINER)) {
            return Optional.empty();
        }
        try {
            return Optional.ofNullable(container.spec().labels().get(TaskRequest.LABEL_TASK));
        } catch (AgentException e) {
            AgentLog.warn("labels of container " + container.name() + ": " + e.chain());
            return Optional.empty();
        }
    }

    private void sweepPositions(Set<String> known) {
        Path directory = board.paths().positions();
        if (!Files.isDirectory(directory)) {
            return;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                if (!known.contains(file.getFileName().toString())) {
                    Files.deleteIfExists(file);
                }
            }
        } catch (IOException e) {
            AgentLog.warn("clear " + directory + ": " + e);
        }
    }
}
