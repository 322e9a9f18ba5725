package dev.berth.master.ids;

/** An agent, named by the master that admitted it: {@code <master id>-S<n>}; the agent keeps it as long as its data. */
public record AgentId(String value) implements Comparable<AgentId> {
    @Override
    public int compareTo(AgentId other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
