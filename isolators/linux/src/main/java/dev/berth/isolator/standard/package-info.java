/**
 * The isolators that every container has, in their order.
 *
 * <p>Entry: {@link dev.berth.isolator.standard.StandardIsolators}. Thread: any.
 */
@NullMarked
package dev.berth.isolator.standard;

import org.jspecify.annotations.NullMarked;
