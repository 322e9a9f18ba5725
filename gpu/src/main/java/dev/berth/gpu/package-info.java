/**
 * The words of devices: identity, inventory, topology, health signals, requests, grants and what a grant adds to a container. The sub-packages do the work and know these words; they know one another only where the
 * module's README says so.
 *
 * <p>Thread: all types are immutable values unless they say otherwise.
 */
@NullMarked
package dev.berth.gpu;

import org.jspecify.annotations.NullMarked;
