package dev.berth.master.cluster;

import dev.berth.master.ids.AgentId;

/**
 * What survives the master, of one agent.
 *
 * @param standing admitted, unreachable or gone
 * @param hostname for people, and for answers about an agent that is away
 * @param sinceNs when it came to stand so, in nanoseconds since the Unix epoch
 * @param info the agent's {@code AgentInfo} as the core wrote it; opaque to the registry
 */
public record AgentRecord(
        AgentId id, Standing standing, String hostname, long sinceNs, byte[] info) {
    /** How an agent stands. */
    public enum Standing {
        /** May register again with this id. */
        ADMITTED,
        /** Was not heard from for too long; may come back. */
        UNREACHABLE,
        /** An operator has said that it never comes back. */
        GONE
    }
}
