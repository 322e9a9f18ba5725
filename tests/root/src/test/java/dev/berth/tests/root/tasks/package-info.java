/** Agents that die between two steps of a task, under a real master. */
@NullMarked
package dev.berth.tests.root.tasks;

import org.jspecify.annotations.NullMarked;
