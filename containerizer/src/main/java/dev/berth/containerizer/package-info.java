/**
 * Container life: from a {@link dev.berth.isolator.ContainerConfig} to a running process, its end, its recovery after the agent's death, and its log.
 *
 * <p>Thread: the conductor owns {@link dev.berth.containerizer.Containerizer}. Entry type: {@link dev.berth.containerizer.Containerizer}.
 */
@NullMarked
package dev.berth.containerizer;

import org.jspecify.annotations.NullMarked;
