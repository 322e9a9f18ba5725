package dev.berth.master.operator;

import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.ExecutorFacts;
import dev.berth.master.cluster.ExecutorUse;
import dev.berth.master.cluster.Framework;
import dev.berth.master.cluster.FrameworkFacts;
import dev.berth.master.cluster.OpenOffer;
import dev.berth.master.cluster.TaskFacts;
import dev.berth.master.ids.AgentId;

import java.util.ArrayList;
import java.util.List;

/**
 * A framework with what it has, at one moment.
 *
 * @param live tasks that agents have
 */
record FrameworkPart(
        FrameworkFacts facts,
        List<TaskFacts> live,
        List<TaskFacts> unreachable,
        List<TaskFacts> completed,
        List<ExecutorFacts> executors,
        List<OpenOffer> offers) {
    /** To be filled. */
    static FrameworkPart of(FrameworkFacts facts) {
        return new FrameworkPart(
                facts,
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>(),
                new ArrayList<>());
    }

    /** One framework as it is now, with its live tasks only. Conductor thread. */
    static FrameworkPart of(Cluster cluster, Framework framework) {
        FrameworkPart part = of(framework.facts());
        framework.live().values().forEach(task -> part.live.add(task.facts()));
        for (AgentId id : framework.executorAgents()) {
            cluster.agent(id)
                    .ifPresent(agent -> {
                        for (ExecutorUse use : agent.executors().values()) {
                            if (use.framework().equals(framework.id())) {
                                part.executors.add(new ExecutorFacts(id, use, 0));
                            }
                        }
                    });
        }
        part.offers.addAll(framework.offers());
        return part;
    }

    void add(TaskFacts task) {
        switch (task.place()) {
            case LIVE -> live.add(task);
            case UNREACHABLE -> unreachable.add(task);
            case COMPLETED -> completed.add(task);
        }
    }

    /** What its tasks and executors hold. */
    Shares held() {
        Shares shares = new Shares();
        for (TaskFacts task : live) {
            if (task.isHolding()) {
                shares.add(task.role(), task.resources());
            }
        }
        for (ExecutorFacts executor : executors) {
            shares.add(executor.use().role(), executor.use().resources());
        }
        return shares;
    }
}
