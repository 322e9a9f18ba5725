package dev.berth.master.cluster;

import dev.berth.master.ids.AgentId;

/**
 * An executor and the agent that it is on. Immutable: any thread.
 *
 * @param order it came after all executors of a lower one
 */
public record ExecutorFacts(AgentId agent, ExecutorUse use, long order) {}
