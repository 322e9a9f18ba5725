package dev.berth.agent.tasks;

import dev.berth.linux.Linux;
import dev.berth.linux.process.CrashAt;

/**
 * Dies at the {@link TaskStep} that the system property {@code berth.crash-at-task} names; where {@code berth.crash-task} names a task, only at the steps of that one.
 *
 * <p>Thread: conductor.
 */
final class TaskSteps {
    private final CrashAt<TaskStep> crash;
    private final String task;

    private TaskSteps(CrashAt<TaskStep> crash, String task) {
        this.crash = crash;
        this.task = task;
    }

    static TaskSteps fromProperty(Linux linux) {
        return new TaskSteps(
                CrashAt.property(linux, "berth.crash-at-task", TaskStep.class),
                System.getProperty("berth.crash-task", ""));
    }

    /** A step of one task. */
    void reached(TaskStep step, TaskEntry entry) {
        if (task.isEmpty() || task.equals(entry.info.getTaskId().getValue())) {
            crash.reached(step);
        }
    }

    /** A step that is of no task. */
    void reached(TaskStep step) {
        crash.reached(step);
    }
}
