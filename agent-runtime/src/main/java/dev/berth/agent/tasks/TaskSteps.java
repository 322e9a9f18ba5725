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
        reached(step, entry.info.getTaskId().getValue());
    }

    /** A step of a task that is known by its id only. */
    void reached(TaskStep step, String id) {
        if (task.isEmpty() || task.equals(id)) {
            crash.reached(step);
        }
    }

    /** A step that is of no task. */
    void reached(TaskStep step) {
        crash.reached(step);
    }
}
