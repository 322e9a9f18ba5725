package dev.berth.master.allocator;

import dev.berth.master.resources.Resources;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A role, the frameworks that are directly in a role, or one framework in a role, with what it has and its children in the order in which they are served.
 * Only nodes below which somebody is active stand in that order. Source: Mesos DRF sorter: smaller share first, then fewer allocations ever, then name.
 */
sealed class FairNode permits Claim {
    final String key;
    final @Nullable FairNode parent;
    double weight = 1;
    double share;

    /** How often something was granted here or below. */
    long grants;

    /** Active claims here or below. */
    int active;

    /** Nodes right below, in the order or not. */
    int children;

    private final FairTotals totals;
    private long[] held = new long[4];
    private final List<FairNode> order = new ArrayList<>();
    private int position = -1;

    FairNode(String key, @Nullable FairNode parent, FairTotals totals) {
        this.key = key;
        this.parent = parent;
        this.totals = totals;
    }

    /** The amounts that this node has, with all below. */
    Resources held() {
        return totals.amounts(held);
    }

    /** Adds or takes away amounts here and above and restores the order. */
    final void change(Resources amounts, boolean add) {
        for (int i = 0; i < amounts.scalarCount(); i++) {
            int index = totals.index(amounts.scalarName(i));
            long delta = add ? amounts.scalarMillis(i) : -amounts.scalarMillis(i);
            for (FairNode node = this; node != null; node = node.parent) {
                node.add(index, delta);
            }
        }
        for (FairNode node = this; node != null; node = node.parent) {
            node.computeShare();
            node.reposition();
        }
    }

    /** Counts a grant here and above and restores the order; call after {@link #change}. */
    final void granted() {
        for (FairNode node = this; node != null; node = node.parent) {
            node.grants++;
            node.reposition();
        }
    }

    private void add(int index, long delta) {
        if (index >= held.length) {
            held = Arrays.copyOf(held, Math.max(index + 1, 2 * held.length));
        }
        held[index] += delta;
    }

    private void computeShare() {
        share = totals.share(held) / weight;
    }

    /** The dominant share, not divided by the weight. */
    final double plainShare() {
        return totals.share(held);
    }

    /** One claim below this leaf became active or ceased to be. */
    final void changeActive(int delta) {
        for (FairNode node = this; node != null; node = node.parent) {
            node.active += delta;
            FairNode up = node.parent;
            if (up != null && node.active == 0 && node.position >= 0) {
                up.leave(node);
            } else if (up != null && node.active > 0 && node.position < 0) {
                node.computeShare();
                node.position = up.order.size();
                up.order.add(node);
                node.reposition();
            }
        }
    }

    private void leave(FairNode child) {
        order.remove(child.position);
        for (int i = child.position; i < order.size(); i++) {
            order.get(i).position = i;
        }
        child.position = -1;
    }

    /** Moves this node to where it belongs among its neighbours, which are in order. */
    private void reposition() {
        if (parent == null || position < 0) {
            return;
        }
        List<FairNode> siblings = parent.order;
        int at = position;
        while (at > 0 && before(this, siblings.get(at - 1))) {
            FairNode other = siblings.get(at - 1);
            siblings.set(at, other);
            other.position = at--;
        }
        while (at + 1 < siblings.size() && before(siblings.get(at + 1), this)) {
            FairNode other = siblings.get(at + 1);
            siblings.set(at, other);
            other.position = at++;
        }
        siblings.set(at, this);
        position = at;
    }

    /** Computes all shares here and below and sorts: the total or a weight changed. */
    final void sort() {
        computeShare();
        for (FairNode child : order) {
            child.sort();
        }
        order.sort(FairNode::compare);
        for (int i = 0; i < order.size(); i++) {
            order.get(i).position = i;
        }
    }

    /** The first claim in the order of fairness that may have the agent, or null. */
    @Nullable Claim first(AgentState agent) {
        for (int i = 0; i < order.size(); i++) {
            Claim claim = order.get(i).first(agent);
            if (claim != null) {
                return claim;
            }
        }
        return null;
    }

    private static boolean before(FairNode a, FairNode b) {
        return compare(a, b) < 0;
    }

    private static int compare(FairNode a, FairNode b) {
        int byShare = Double.compare(a.share, b.share);
        if (byShare != 0) {
            return byShare;
        }
        int byGrants = Long.compare(a.grants, b.grants);
        return byGrants != 0 ? byGrants : a.key.compareTo(b.key);
    }
}
