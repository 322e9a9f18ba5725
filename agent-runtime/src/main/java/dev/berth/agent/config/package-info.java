/**
 * What the agent and its containers are told to be: the agent's own options, and a Docker Engine request checked field by field, merged with its image and translated to a
 * {@link dev.berth.isolator.ContainerConfig}. A field that is not supported is refused by name; none is silently ignored.
 *
 * <p>Thread: everything is pure or immutable. Entry types: {@link dev.berth.agent.config.AgentConfig}, {@link dev.berth.agent.config.ContainerSpec}.
 */
@NullMarked
package dev.berth.agent.config;

import org.jspecify.annotations.NullMarked;
