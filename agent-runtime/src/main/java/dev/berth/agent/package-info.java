/**
 * The agent as a process: reads its options, puts the parts together, drives the conductor's thread, and ends on a signal without touching a container.
 *
 * <p>Threads: main (start and end), {@code berth-conductor} (one Netty loop that the {@link dev.berth.agent.conductor.Conductor} owns), {@code berth-api} (all connections), {@code berth-roots-N} and
 * {@code berth-images-N} (what blocks). Entry type: {@link dev.berth.agent.AgentMain}.
 */
@NullMarked
package dev.berth.agent;

import org.jspecify.annotations.NullMarked;
