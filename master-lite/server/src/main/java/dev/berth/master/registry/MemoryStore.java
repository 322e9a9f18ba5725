package dev.berth.master.registry;

import dev.berth.master.cluster.AgentRecord;
import dev.berth.master.cluster.Registry.Contents;
import dev.berth.master.ids.AgentId;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Durable as long as the process: for benchmarks and tests of what is above. */
public final class MemoryStore implements Store {
    private final Map<AgentId, AgentRecord> agents = new TreeMap<>();
    private Map<String, Double> weights = Map.of();

    @Override
    public Contents load() {
        return new Contents(List.copyOf(agents.values()), weights);
    }

    @Override
    public void commit(List<Write> writes) {
        for (Write write : writes) {
            switch (write) {
                case Write.Put(AgentRecord agent) -> agents.put(agent.id(), agent);
                case Write.Remove(AgentId agent) -> agents.remove(agent);
                case Write.Weights(Map<String, Double> all) -> weights = Map.copyOf(all);
            }
        }
    }

    @Override
    public void close() {}
}
