package dev.berth.master.scheduler;

import dev.berth.master.allocator.Role;
import dev.berth.master.cluster.Capabilities;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.OfferFilters;
import dev.berth.protocol.v1.Protos.Value;

import java.util.Collection;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What a FrameworkInfo must hold to. */
public final class FrameworkRules {
    private FrameworkRules() {}

    /** What is wrong with it; empty when nothing is. */
    public static Optional<String> problem(FrameworkInfo info, Collection<String> suppressed) {
        Optional<String> problem = roles(info);
        if (problem.isPresent()) {
            return problem;
        }
        double timeout = info.getFailoverTimeout();
        if (!(timeout >= 0) || timeout > Long.MAX_VALUE / 1e9) {
            return Optional.of(
                    "The framework failover_timeout ("
                            + timeout
                            + ") is invalid: it is a number of seconds, from 0 to 9223372036");
        }
        // An empty one is none: the framework asks for an id.
        if (!info.getId().getValue().isEmpty()) {
            problem = Names.id(info.getId().getValue());
            if (problem.isPresent()) {
                return problem.map(text -> "Invalid framework id: " + text);
            }
        }
        Set<String> roles = Capabilities.roles(info);
        for (String role : suppressed) {
            if (!roles.contains(role)) {
                return Optional.of(
                        "Suppressed role '" + role + "' is not one of the framework's roles");
            }
        }
        return filters(info, roles);
    }

    @SuppressWarnings("deprecation") // frameworks without MULTI_ROLE have nothing else
    private static Optional<String> roles(FrameworkInfo info) {
        if (Capabilities.has(info, FrameworkInfo.Capability.Type.MULTI_ROLE)) {
            if (info.hasRole()) {
                return Optional.of("A framework with MULTI_ROLE must use 'roles', not 'role'");
            }
        } else if (info.getRolesCount() > 0) {
            return Optional.of("A framework without MULTI_ROLE must use 'role', not 'roles'");
        }
        Set<String> seen = new HashSet<>();
        for (String role : info.getRolesList()) {
            if (!seen.add(role)) {
                return Optional.of("Role '" + role + "' is there twice");
            }
        }
        for (String role : Capabilities.roles(info)) {
            Optional<String> problem = Role.problem(role);
            if (problem.isPresent()) {
                return problem.map(text -> "Invalid role: '" + role + "' " + text);
            }
        }
        return Optional.empty();
    }

    private static Optional<String> filters(FrameworkInfo info, Set<String> roles) {
        for (Map.Entry<String, OfferFilters> filter : info.getOfferFiltersMap().entrySet()) {
            if (!roles.contains(filter.getKey())) {
                return Optional.of(
                        "Offer filter of role '"
                                + filter.getKey()
                                + "', which the framework does not have");
            }
            for (OfferFilters.ResourceQuantities set :
                    filter.getValue().getMinAllocatableResources().getQuantitiesList()) {
                for (Map.Entry<String, Value.Scalar> quantity : set.getQuantitiesMap().entrySet()) {
                    double value = quantity.getValue().getValue();
                    if (!(value >= 0) || Double.isInfinite(value)) {
                        return Optional.of(
                                "Offer filter of role '"
                                        + filter.getKey()
                                        + "' asks for "
                                        + value
                                        + " "
                                        + quantity.getKey());
                    }
                }
            }
        }
        return Optional.empty();
    }
}
