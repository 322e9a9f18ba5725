package dev.berth.master.cluster;

import dev.berth.master.allocator.RoleQuantities;

import java.util.List;
import java.util.Map;

/**
 * Everything that a leading master knows, as it is between two of its steps. Immutable: whatever is told of it is told by other threads, at their leisure, while the core goes on.
 *
 * @param atNs when that was
 * @param frameworks in the order in which they came
 * @param completed ended frameworks, in the order in which they ended
 * @param offers that are open
 * @param recovered agents of the registry that have not come since this master leads
 * @param unreachable agents that are unreachable
 * @param roles only where they were asked for, since they are added up anew each time
 */
public record Moment(
        MasterSettings settings,
        long startedNs,
        long atNs,
        Slots.Captured<AgentFacts> agents,
        Slots.Captured<TaskFacts> tasks,
        Slots.Captured<ExecutorFacts> executors,
        List<FrameworkFacts> frameworks,
        List<FrameworkFacts> completed,
        List<OpenOffer> offers,
        List<AgentRecord> recovered,
        int unreachable,
        Map<String, Double> weights,
        List<RoleQuantities> roles,
        Tally tally,
        Counts counts) {}
