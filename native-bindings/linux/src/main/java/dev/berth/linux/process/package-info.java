/**
 * Programs that the agent starts itself: its spawner, credential helpers, network plugins. Containers are not among them.
 *
 * <p>Thread: any that may block. Entry type: {@link dev.berth.linux.process.HelperProcess}.
 */
@NullMarked
package dev.berth.linux.process;

import org.jspecify.annotations.NullMarked;
