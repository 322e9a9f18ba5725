package dev.berth.master.allocator;

import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.FrameworkId;
import dev.berth.master.resources.Resources;

/** Takes offers. Conductor thread, from within {@link Allocator#poll}; may call the allocator. */
@FunctionalInterface
public interface OfferHandler {
    /**
     * The framework may have these resources in that role on that agent. They count as taken until {@link Allocator#recover} gives them back.
     *
     * @param resources all that the agent had free
     */
    void onOffer(FrameworkId framework, Role role, AgentId agent, Resources resources);
}
