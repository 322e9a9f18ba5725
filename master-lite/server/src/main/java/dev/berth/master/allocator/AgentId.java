package dev.berth.master.allocator;

/** An agent's id as the master gave it out. */
public record AgentId(String value) {
    @Override
    public String toString() {
        return value;
    }
}
