/**
 * {@code berth gpu …}: the node's GPUs for people and scripts. All of it comes from the agent's {@code /berth/gpus}; nothing here asks a driver.
 *
 * <p>Thread: main. Entry types: the verbs; {@link dev.berth.agent.cli.gpu.Inventory} is what they all read.
 */
@NullMarked
package dev.berth.agent.cli.gpu;

import org.jspecify.annotations.NullMarked;
