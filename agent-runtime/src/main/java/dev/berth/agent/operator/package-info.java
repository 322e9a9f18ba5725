/**
 * The agent's own HTTP API as Mesos's agents have it: operator calls of v1, the older JSON pages, the files of sandboxes, metrics. Whoever has the token is the operator.
 *
 * <p>Thread: an event loop of its own; state comes from the conductor as immutable values, files are read on the lane for files. Entry: {@link dev.berth.agent.operator.OperatorServer}.
 */
@NullMarked
package dev.berth.agent.operator;

import org.jspecify.annotations.NullMarked;
