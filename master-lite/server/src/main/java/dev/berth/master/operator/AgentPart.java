package dev.berth.master.operator;

import dev.berth.master.cluster.Agent;
import dev.berth.master.cluster.AgentFacts;
import dev.berth.master.cluster.ExecutorUse;
import dev.berth.master.cluster.OpenOffer;
import dev.berth.master.cluster.TaskFacts;
import dev.berth.master.resources.Resources;

import java.util.ArrayList;
import java.util.List;

/**
 * An agent with what is on it, at one moment.
 *
 * @param tasks that it has
 * @param offers of its resources that are open
 */
record AgentPart(
        AgentFacts facts,
        List<TaskFacts> tasks,
        List<ExecutorUse> executors,
        List<OpenOffer> offers) {
    /** To be filled. */
    static AgentPart of(AgentFacts facts) {
        return new AgentPart(facts, new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    }

    /** One agent as it is now. Conductor thread. */
    static AgentPart of(Agent agent) {
        AgentPart part = of(agent.facts());
        agent.tasks().values().forEach(task -> part.tasks.add(task.facts()));
        part.executors.addAll(agent.executors().values());
        part.offers.addAll(agent.offers());
        return part;
    }

    /** What its tasks and executors hold. */
    Resources used() {
        Resources used = Resources.EMPTY;
        for (TaskFacts task : tasks) {
            used = task.isHolding() ? used.plus(task.resources()) : used;
        }
        for (ExecutorUse executor : executors) {
            used = used.plus(executor.resources());
        }
        return used;
    }

    /** What is in offers that are open. */
    Resources offered() {
        Resources offered = Resources.EMPTY;
        for (OpenOffer offer : offers) {
            offered = offered.plus(offer.resources());
        }
        return offered;
    }
}
