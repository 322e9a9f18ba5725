/**
 * The master's state machine, behind one type: {@link dev.berth.master.core.MasterCore}. Conductor thread only; never blocks, no I/O; time is passed in.
 */
@NullMarked
package dev.berth.master.core;

import org.jspecify.annotations.NullMarked;
