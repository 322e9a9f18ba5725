/**
 * The native programs of this module as resources: the shim (spawner, monitor, init) and the probe that tests and the quick start run in containers. What the shim does is told in PROTOCOL.md; nothing here starts it.
 *
 * <p>Thread: any. Entry type: {@link dev.berth.shim.ShimBinary}.
 */
@NullMarked
package dev.berth.shim;

import org.jspecify.annotations.NullMarked;
