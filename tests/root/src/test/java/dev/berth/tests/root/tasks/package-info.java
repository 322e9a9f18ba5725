/**
 * Tasks of frameworks on real containers, under a real master: what they may ask for, how they end, and agents that die between two steps of one.
 *
 * <p>Entry: {@link dev.berth.tests.root.tasks.TaskCluster}, one for all classes that need an agent that lives.
 */
@NullMarked
package dev.berth.tests.root.tasks;

import org.jspecify.annotations.NullMarked;
