package dev.berth.master.allocator;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Agents without order: adding, removing and drawing one take the same time however many there are. An agent stands in one set at most. */
final class AgentSet {
    private final List<AgentState> agents = new ArrayList<>();

    boolean isEmpty() {
        return agents.isEmpty();
    }

    int size() {
        return agents.size();
    }

    /** Moves the agent here from wherever it stands. */
    void take(AgentState agent) {
        if (agent.set == this) {
            return;
        }
        leave(agent);
        agent.set = this;
        agent.index = agents.size();
        agents.add(agent);
    }

    /** Moves all agents of {@code other} here. */
    void takeAll(AgentSet other) {
        for (int i = 0; i < other.agents.size(); i++) {
            AgentState agent = other.agents.get(i);
            agent.set = this;
            agent.index = agents.size();
            agents.add(agent);
        }
        other.agents.clear();
    }

    /** Takes one out by chance; the set must not be empty. */
    AgentState draw(SplittableRandom random) {
        AgentState agent = agents.get(random.nextInt(agents.size()));
        leave(agent);
        return agent;
    }

    /** Takes the agent out of the set in which it stands, if any. */
    static void leave(AgentState agent) {
        AgentSet set = agent.set;
        if (set == null) {
            return;
        }
        AgentState last = set.agents.removeLast();
        if (last != agent) {
            set.agents.set(agent.index, last);
            last.index = agent.index;
        }
        agent.set = null;
    }
}
