package dev.berth.master.allocator;

import dev.berth.master.ids.FrameworkId;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** One framework: what it is subscribed to, and its claims, which may outlive the subscription for what is still in use. */
final class FrameworkState {
    final FrameworkId id;
    final Set<Role> roles = new TreeSet<>();
    final Set<Role> suppressed = new TreeSet<>();
    final Map<Role, Claim> claims = new TreeMap<>();

    /** Whether it was added and not removed; otherwise only what it uses is known. */
    boolean known;

    boolean active;

    FrameworkState(FrameworkId id) {
        this.id = id;
    }

    /** Whether it wants offers in the role. */
    boolean wants(Role role) {
        return active && roles.contains(role) && !suppressed.contains(role);
    }

    /** Whether it may refuse something in the role. */
    boolean mayRefuse(Role role) {
        return active && roles.contains(role);
    }

    /** Those of its roles that are named; all if none is. */
    Set<Role> named(Set<Role> which) {
        Set<Role> named = new TreeSet<>(roles);
        if (!which.isEmpty()) {
            named.retainAll(which);
        }
        return named;
    }
}
