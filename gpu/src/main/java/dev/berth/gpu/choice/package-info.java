/**
 * Which devices fit a request best, and why. A group of devices is judged by {@link dev.berth.gpu.choice.Figures}, in this order: the fewest NVLinks between any two, the sum of what joins them, NUMA nodes, what is torn
 * from the devices that stay free; equal groups go by index, so that the same question always has the same answer.
 *
 * <p>Thread: a {@link dev.berth.gpu.choice.Chooser} remembers its answers and is used by one thread at a time (the conductor); everything else is values.
 */
@NullMarked
package dev.berth.gpu.choice;

import org.jspecify.annotations.NullMarked;
