package dev.berth.master.allocator;

import dev.berth.master.ids.FrameworkId;
import dev.berth.master.resources.Resources;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What the allocator must know of a framework.
 *
 * @param id its id
 * @param roles what it is subscribed to
 * @param suppressed those of {@code roles} in which it wants no offers now; others are ignored
 * @param gpuResources whether it has the capability GPU_RESOURCES
 * @param minimums for some of its roles what an offer must at least hold, any one of the list; an empty list: anything. Source: {@code
 *     FrameworkInfo.offer_filters}
 */
public record FrameworkSpec(
        FrameworkId id,
        Set<Role> roles,
        Set<Role> suppressed,
        boolean gpuResources,
        Map<Role, List<Resources>> minimums) {
    /** Copies the collections. */
    public FrameworkSpec {
        roles = Set.copyOf(roles);
        suppressed = Set.copyOf(suppressed);
        minimums = Map.copyOf(minimums);
    }
}
