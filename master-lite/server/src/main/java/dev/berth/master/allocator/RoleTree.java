package dev.berth.master.allocator;

import dev.berth.master.ids.FrameworkId;
import dev.berth.master.resources.Resources;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Roles by path, with their weights. The frameworks that are in {@code eng} itself stand below a leaf {@code eng/.} of weight 1, beside the roles {@code
 * eng/…}. Source: Mesos docs/roles.md and the sorter's virtual leaves.
 */
final class RoleTree {
    private final FairTotals totals;
    private final FairNode root;
    private final Map<String, FairNode> nodes = new HashMap<>();
    private final SortedMap<Role, Double> weights = new TreeMap<>();
    private boolean stale;

    RoleTree(FairTotals totals) {
        this.totals = totals;
        this.root = new FairNode("", null, totals);
    }

    /** A new claim below its role, not active. */
    Claim add(FrameworkId framework, Role role) {
        FairNode leaf = node(leafPath(role), node(role.path()));
        leaf.children++;
        return new Claim(framework, role, leaf, totals);
    }

    /** Takes a claim that is not active and has nothing out of the tree, and the roles that were there only for it. */
    void remove(Claim claim) {
        FairNode node = claim.parent;
        while (node != null && --node.children == 0 && node != root) {
            nodes.remove(node.key);
            node = node.parent;
        }
    }

    private FairNode node(String path) {
        int slash = path.lastIndexOf('/');
        FairNode known = nodes.get(path);
        return known != null
                ? known
                : node(path, slash < 0 ? root : node(path.substring(0, slash)));
    }

    private FairNode node(String path, FairNode parent) {
        FairNode known = nodes.get(path);
        if (known != null) {
            return known;
        }
        FairNode node = new FairNode(path, parent, totals);
        parent.children++;
        nodes.put(path, node);
        node.weight = path.endsWith("/.") ? 1 : weight(new Role(path));
        return node;
    }

    private static String leafPath(Role role) {
        return role.path() + "/.";
    }

    /** The role's weight; 1 unless it was set. */
    double weight(Role role) {
        return weights.getOrDefault(role, 1.0);
    }

    /** All weights that were set. */
    SortedMap<Role, Double> weights() {
        return weights;
    }

    void updateWeights(Map<Role, Double> changed) {
        changed.forEach((role, weight) -> {
            weights.put(role, weight);
            FairNode node = nodes.get(role.path());
            if (node != null) {
                node.weight = weight;
            }
        });
        stale = true;
    }

    /** The cluster's total changed: all shares are computed before they are used next. */
    void sharesChanged() {
        stale = true;
    }

    /** The first claim in the order of fairness that may have the agent, or null. */
    @Nullable Claim first(AgentState agent) {
        if (stale) {
            root.sort();
            stale = false;
        }
        return root.first(agent);
    }

    /** What frameworks have in the role itself. */
    Resources held(Role role) {
        FairNode leaf = nodes.get(leafPath(role));
        return leaf == null ? Resources.EMPTY : leaf.held();
    }

    /** The dominant share of the role and all below it. */
    double share(Role role) {
        FairNode node = nodes.get(role.path());
        return node == null ? 0 : node.plainShare();
    }
}
