/**
 * A private agent, the probe's image and containers of it: what {@code berth quickstart} and {@code berth devicekit} stand on. {@link dev.berth.agent.cli.playground.Playground#close} removes everything.
 *
 * <p>Thread: main; the clean-up may run on a shutdown hook.
 */
@NullMarked
package dev.berth.agent.cli.playground;

import org.jspecify.annotations.NullMarked;
