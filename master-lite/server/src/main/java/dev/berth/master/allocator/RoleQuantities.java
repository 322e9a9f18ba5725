package dev.berth.master.allocator;

import dev.berth.master.ids.FrameworkId;
import dev.berth.master.resources.Resources;

import java.util.List;

/**
 * A role as GET_ROLES shows it.
 *
 * @param role the role
 * @param weight 1 unless it was set
 * @param frameworks who is subscribed to it or has something in it, ascending
 * @param allocated amounts that are offered to or used by them in this role, without those in roles below
 * @param share the dominant share of the role with all below it, not divided by the weight
 */
public record RoleQuantities(
        Role role,
        double weight,
        List<FrameworkId> frameworks,
        Resources allocated,
        double share) {}
