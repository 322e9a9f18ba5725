/**
 * What people see: tables, times, sizes and the progress of a pull. Pure text in, text out.
 *
 * <p>Thread: any, one at a time for {@link dev.berth.agent.cli.view.PullScreen}.
 */
@NullMarked
package dev.berth.agent.cli.view;

import org.jspecify.annotations.NullMarked;
