package dev.berth.master.cluster;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.TreeMap;

/** What operators may see of agents, tasks and executors, kept as it changes, so that a moment of it costs next to nothing. Each thing brings itself up to date here. */
final class Board {
    private final Tally tally = new Tally();
    private final Slots<TaskFacts> tasks = new Slots<>(tally::task);
    private final Slots<AgentFacts> agents = new Slots<>(tally::agent);
    private final Slots<ExecutorFacts> executors = new Slots<>(tally::executor);
    private long order;

    Slots<TaskFacts> tasks() {
        return tasks;
    }

    Slots<AgentFacts> agents() {
        return agents;
    }

    Slots<ExecutorFacts> executors() {
        return executors;
    }

    Tally tally() {
        return tally;
    }

    /** Everything as it is now. */
    Moment moment(Cluster cluster, boolean roles) {
        return new Moment(
                cluster.settings(),
                cluster.startedNs(),
                cluster.nowNs(),
                agents.capture(),
                tasks.capture(),
                executors.capture(),
                facts(cluster.frameworks()),
                facts(cluster.completedFrameworks()),
                List.copyOf(cluster.offers().open()),
                List.copyOf(cluster.recovered().values()),
                cluster.unreachable().size(),
                Collections.unmodifiableMap(new TreeMap<>(cluster.weights())),
                roles ? cluster.allocator().roles() : List.of(),
                tally.copy(),
                cluster.counts().copy());
    }

    private static List<FrameworkFacts> facts(Collection<Framework> frameworks) {
        List<FrameworkFacts> facts = new ArrayList<>(frameworks.size());
        frameworks.forEach(framework -> facts.add(framework.facts()));
        return Collections.unmodifiableList(facts);
    }

    /** Higher than all before. */
    long nextOrder() {
        return ++order;
    }
}
