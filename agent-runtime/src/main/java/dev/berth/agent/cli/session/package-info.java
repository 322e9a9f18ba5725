/**
 * What every verb has in hand: the caller's streams, the agent that was asked for (started if need be), and how a failure becomes an exit code.
 *
 * <p>Thread: main, unless a type says otherwise. Entry type: {@link dev.berth.agent.cli.session.Cli}.
 */
@NullMarked
package dev.berth.agent.cli.session;

import org.jspecify.annotations.NullMarked;
