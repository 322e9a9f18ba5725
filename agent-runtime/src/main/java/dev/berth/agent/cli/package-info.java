/**
 * The command line's main class and its table of verbs. Everything else is in packages below: {@code args} parses, {@code http} speaks to the agent, {@code session} holds what verbs share, {@code run}, {@code container}
 * and {@code image} hold verbs, {@code doctor} and {@code quickstart} hold one each.
 *
 * <p>Thread: main. Entry type: {@link dev.berth.agent.cli.Berth}.
 */
@NullMarked
package dev.berth.agent.cli;

import org.jspecify.annotations.NullMarked;
