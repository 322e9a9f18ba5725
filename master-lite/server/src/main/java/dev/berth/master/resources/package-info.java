/**
 * Quantities of what agents have and tasks want: scalars with three decimals, ranges and sets, as Mesos counts them, in whole numbers and without any
 * wire type.
 *
 * <p>All values are immutable and may be used by any thread. Entry type: {@link dev.berth.master.resources.Resources}.
 */
@NullMarked
package dev.berth.master.resources;

import org.jspecify.annotations.NullMarked;
