/**
 * The words in which isolation is described: what a container should be ({@link dev.berth.isolator.ContainerConfig}), what one isolator contributes
 * ({@link dev.berth.isolator.LaunchContribution}), the typed steps of a launch ({@link dev.berth.isolator.LaunchOp}) and the merged plan.
 *
 * <p>Thread: everything here is immutable; an {@link dev.berth.isolator.Isolator} names its own.
 */
@NullMarked
package dev.berth.isolator;

import org.jspecify.annotations.NullMarked;
