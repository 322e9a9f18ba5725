/**
 * Tasks of frameworks: commands, alone or in groups, each in a container of its own, without an executor process. A task's life is journalled before each step that the master hears of, so that the next agent goes on
 * where this one was killed.
 *
 * <p>Files below the data root: {@code agent/tasks/journal}, {@code agent/tasks/positions/CONTAINER} (how far a log has been copied), {@code sandboxes/frameworks/F/executors/E/runs/CONTAINER[/tasks/T]}, {@code
 * hostroot} (the root of commands without an image).
 *
 * <p>Thread: the conductor's; what reads or writes files of a sandbox runs on the lane for files. Entry: {@link dev.berth.agent.tasks.TaskBoard}.
 */
@NullMarked
package dev.berth.agent.tasks;

import org.jspecify.annotations.NullMarked;
