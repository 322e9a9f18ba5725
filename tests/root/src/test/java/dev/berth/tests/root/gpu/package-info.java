/**
 * GPUs with a real agent and simulated boards: who can open what, faults and what the agent does, death at every step of a grant.
 *
 * <p>Entry type: {@link dev.berth.tests.root.gpu.GpuHost}.
 */
@NullMarked
package dev.berth.tests.root.gpu;

import org.jspecify.annotations.NullMarked;
