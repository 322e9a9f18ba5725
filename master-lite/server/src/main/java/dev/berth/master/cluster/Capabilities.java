package dev.berth.master.cluster;

import dev.berth.master.allocator.FrameworkSpec;
import dev.berth.master.allocator.Role;
import dev.berth.master.resources.Resources;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.OfferFilters;
import dev.berth.protocol.v1.Protos.Value;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What a framework says of itself in its FrameworkInfo, as the master reads it. */
public final class Capabilities {
    private Capabilities() {}

    public static boolean has(FrameworkInfo info, FrameworkInfo.Capability.Type capability) {
        for (FrameworkInfo.Capability each : info.getCapabilitiesList()) {
            if (each.hasType() && each.getType() == capability) {
                return true;
            }
        }
        return false;
    }

    /** Its roles: the list with MULTI_ROLE, the single one ({@code *} by default) without. */
    @SuppressWarnings("deprecation") // frameworks without MULTI_ROLE have nothing else
    public static Set<String> roles(FrameworkInfo info) {
        return has(info, FrameworkInfo.Capability.Type.MULTI_ROLE)
                ? new LinkedHashSet<>(info.getRolesList())
                : Set.of(info.getRole());
    }

    /** Roles by name; all names must be roles. */
    static Set<Role> roles(Collection<String> names) {
        Set<Role> roles = new LinkedHashSet<>();
        names.forEach(name -> roles.add(new Role(name)));
        return roles;
    }

    /** What the allocator must know of a framework. */
    static FrameworkSpec spec(Framework framework) {
        Map<Role, List<Resources>> minimums = new LinkedHashMap<>();
        framework
                .info()
                .getOfferFiltersMap()
                .forEach((role, filters) -> {
                    if (filters.hasMinAllocatableResources()) {
                        minimums.put(
                                new Role(role), quantities(filters.getMinAllocatableResources()));
                    }
                });
        return new FrameworkSpec(
                framework.id(),
                roles(framework.roles()),
                roles(framework.suppressed()),
                framework.has(FrameworkInfo.Capability.Type.GPU_RESOURCES),
                minimums);
    }

    private static List<Resources> quantities(OfferFilters.MinAllocatableResources minimums) {
        List<Resources> sets = new ArrayList<>();
        for (OfferFilters.ResourceQuantities set : minimums.getQuantitiesList()) {
            Resources sum = Resources.EMPTY;
            for (Map.Entry<String, Value.Scalar> each : set.getQuantitiesMap().entrySet()) {
                double amount = Math.clamp(each.getValue().getValue(), 0, Resources.MAX_AMOUNT);
                sum = sum.plus(Resources.scalar(each.getKey(), amount));
            }
            sets.add(sum);
        }
        return sets;
    }
}
