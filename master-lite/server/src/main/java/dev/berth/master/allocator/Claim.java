package dev.berth.master.allocator;

import dev.berth.master.ids.FrameworkId;
import dev.berth.master.resources.Resources;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** One framework in one role: what it has, whether it wants offers, and what it refused. */
final class Claim extends FairNode {
    final FrameworkId framework;
    final Role role;
    final Map<AgentState, Filter> filters = new HashMap<>();

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
        if (agent.gpusHidden && !seesGpus) {
            return null;
        }
        if (!enough(agent.free)) {
            return null;
        }
        // A poll takes out the filters that have ended before it looks at an agent.
        for (Filter filter = filters.get(agent); filter != null; filter = filter.next) {
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
