/**
 * Tasks of frameworks: commands, alone or in groups, each in a container of its own, without an executor process. A task's life is journalled before each step that the master hears of, so that the next agent goes on
 * where this one was killed.
 *
 * <p>A task becomes a creation in the local API's words ({@code TaskRequest}); what Berth does not do is refused by name. {@code TaskRun} drives its container; {@code TaskChecks} looks at it, {@code Termination} ends it,
 * {@code Verdict} says what its end means, {@code OutputCopy} brings its output into its sandbox, {@code SandboxCollector} removes that when it is old.
 *
 * <p>Files below the data root: {@code agent/tasks/journal}, {@code agent/tasks/positions/CONTAINER} (how far a log has been copied), {@code agent/tasks/ended/RUN} (when the last task of a run was over for good), {@code
 * sandboxes/frameworks/F/executors/E/runs/RUN[/tasks/T]}, {@code sandboxes/trash} (being removed), {@code hostroot} (the root of commands without an image).
 *
 * <p>Thread: the conductor's; what reads or writes files of a sandbox runs on the lane for files. Entry: {@link dev.berth.agent.tasks.TaskBoard}.
 */
@NullMarked
package dev.berth.agent.tasks;

import org.jspecify.annotations.NullMarked;
