package dev.berth.master.allocator;

import dev.berth.master.ids.FrameworkId;
import dev.berth.master.resources.Resources;

import org.jspecify.annotations.Nullable;

import java.util.List;

/** One framework in one role: what it has, whether it wants offers, and what it refused. */
final class Claim extends FairNode {
    final FrameworkId framework;
    final Role role;

    /** The first of its filters on all agents. */
    @Nullable Filter filters;

    /** The number of the last event that made it eligible for more. */
    long widenedAt;

    /** On how many agents it has something. */
    int agents;

    boolean wanted;
    boolean seesGpus;
    List<Resources> minimums = List.of();

    Claim(FrameworkId framework, Role role, FairNode parent, FairTotals totals) {
        super(framework.value(), parent, totals);
        this.framework = framework;
        this.role = role;
    }

    @Override
    @Nullable Claim first(AgentState agent) {
        if (widenedAt <= agent.knownUpTo) {
            return null;
        }
        if (agent.gpusHidden && !seesGpus) {
            return null;
        }
        if (!enough(agent.free)) {
            return null;
        }
        // A poll takes out the filters that have ended before it looks at an agent.
        for (Filter filter = agent.filters.get(this); filter != null; filter = filter.next) {
            if (filter.refused.contains(agent.free)) {
                return null;
            }
        }
        return this;
    }

    private boolean enough(Resources free) {
        for (int i = 0; i < minimums.size(); i++) {
            if (free.contains(minimums.get(i))) {
                return true;
            }
        }
        return minimums.isEmpty();
    }
}
