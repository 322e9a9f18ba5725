package dev.berth.master.operator;

import dev.berth.master.cluster.AgentFacts;
import dev.berth.master.cluster.ExecutorFacts;
import dev.berth.master.cluster.FrameworkFacts;
import dev.berth.master.cluster.Moment;
import dev.berth.master.cluster.OpenOffer;
import dev.berth.master.cluster.Slots;
import dev.berth.master.cluster.TaskFacts;
import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.FrameworkId;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What a moment has, each thing with what belongs to it: some milliseconds of work for ten thousands of tasks, done once for all that is asked of the moment. */
final class Picture {
    private final Map<FrameworkId, FrameworkPart> frameworks = new LinkedHashMap<>();
    private final Map<FrameworkId, FrameworkPart> completed = new LinkedHashMap<>();
    private final Map<AgentId, AgentPart> agents = new LinkedHashMap<>();

    Picture(Moment moment) {
        for (FrameworkFacts facts : moment.frameworks()) {
            frameworks.put(facts.id(), FrameworkPart.of(facts));
        }
        for (FrameworkFacts facts : moment.completed()) {
            completed.put(facts.id(), FrameworkPart.of(facts));
        }
        for (AgentFacts facts :
                ordered(moment.agents(), Comparator.comparingLong(AgentFacts::order))) {
            agents.put(facts.id(), AgentPart.of(facts));
        }
        for (TaskFacts task : ordered(moment.tasks(), Comparator.comparingLong(TaskFacts::order))) {
            framework(task.framework()).ifPresent(framework -> framework.add(task));
            if (task.place() == TaskFacts.Place.LIVE) {
                agent(task.agent()).ifPresent(agent -> agent.tasks().add(task));
            }
        }
        for (ExecutorFacts executor :
                ordered(moment.executors(), Comparator.comparingLong(ExecutorFacts::order))) {
            framework(executor.use().framework())
                    .ifPresent(framework -> framework.executors().add(executor));
            agent(executor.agent()).ifPresent(agent -> agent.executors().add(executor.use()));
        }
        for (OpenOffer offer : moment.offers()) {
            framework(offer.framework()).ifPresent(framework -> framework.offers().add(offer));
            agent(offer.agent()).ifPresent(agent -> agent.offers().add(offer));
        }
    }

    private static <V> List<V> ordered(Slots.Captured<V> captured, Comparator<V> order) {
        List<V> values = new ArrayList<>(captured.size());
        captured.forEach(values::add);
        values.sort(order);
        return values;
    }

    /** In the order in which they came. */
    Collection<FrameworkPart> frameworks() {
        return Collections.unmodifiableCollection(frameworks.values());
    }

    /** Ended ones, in the order in which they ended. */
    Collection<FrameworkPart> completed() {
        return Collections.unmodifiableCollection(completed.values());
    }

    /** Registered or ended. */
    Optional<FrameworkPart> framework(FrameworkId id) {
        FrameworkPart there = frameworks.get(id);
        return Optional.ofNullable(there != null ? there : completed.get(id));
    }

    /** In the order in which they registered. */
    Collection<AgentPart> agents() {
        return Collections.unmodifiableCollection(agents.values());
    }

    Optional<AgentPart> agent(AgentId id) {
        return Optional.ofNullable(agents.get(id));
    }
}
