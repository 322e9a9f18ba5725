/**
 * The agent's side of its link to the master: one HTTP exchange in both directions, records of {@code berth/v1/link.proto}, and what the node has to offer.
 *
 * <p>Thread: the conductor's, whose event loop carries the connection. Entry: {@link dev.berth.agent.master.MasterLink}.
 */
@NullMarked
package dev.berth.agent.master;

import org.jspecify.annotations.NullMarked;
