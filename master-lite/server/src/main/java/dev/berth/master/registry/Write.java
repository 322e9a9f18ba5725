package dev.berth.master.registry;

import dev.berth.master.cluster.AgentRecord;
import dev.berth.master.ids.AgentId;

import java.util.Map;

/** One change of what is stored. Doing it twice is the same as doing it once. */
public sealed interface Write {
    /** In place of what was there of the same id. */
    record Put(AgentRecord agent) implements Write {}

    /** Not a failure when there is none. */
    record Remove(AgentId agent) implements Write {}

    /** All weights, in place of what was there. */
    record Weights(Map<String, Double> weights) implements Write {}
}
