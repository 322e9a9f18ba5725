package dev.berth.master.allocator;

import dev.berth.master.resources.Resources;

import org.jspecify.annotations.Nullable;

import java.util.TreeSet;

/** All filters in the order in which they end, and by claim and agent. */
final class Filters {
    private final TreeSet<Filter> byEnd = new TreeSet<>();
    private long made;

    /** Adds a filter; those that it covers wholly are dropped, so that repeated refusals do not pile up. */
    void add(Claim claim, AgentState agent, Resources refused, long untilNs) {
        Filter first = claim.filters.get(agent);
        for (Filter old = first; old != null; old = old.next) {
            if (old.untilNs >= untilNs && old.refused.contains(refused)) {
                return;
            }
        }
        Filter rest = null;
        Filter next;
        for (Filter old = first; old != null; old = next) {
            next = old.next;
            if (old.untilNs <= untilNs && refused.contains(old.refused)) {
                byEnd.remove(old);
            } else {
                old.next = rest;
                rest = old;
            }
        }
        Filter filter = new Filter(claim, agent, refused, untilNs, made++);
        filter.next = rest;
        claim.filters.put(agent, filter);
        byEnd.add(filter);
    }

    /** Takes out and returns the first filter that has ended, or null. */
    @Nullable Filter ended(long nowNs) {
        if (byEnd.isEmpty() || byEnd.first().untilNs > nowNs) {
            return null;
        }
        Filter filter = byEnd.removeFirst();
        Filter kept = null;
        Filter next;
        for (Filter old = filter.claim.filters.get(filter.agent); old != null; old = next) {
            next = old.next;
            if (!old.equals(filter)) {
                old.next = kept;
                kept = old;
            }
        }
        if (kept == null) {
            filter.claim.filters.remove(filter.agent);
        } else {
            filter.claim.filters.put(filter.agent, kept);
        }
        return filter;
    }

    /** Ends all filters of a claim. */
    void clear(Claim claim) {
        for (Filter first : claim.filters.values()) {
            forget(first);
        }
        claim.filters.clear();
    }

    /** Ends a claim's filters on one agent. */
    void clear(Claim claim, AgentState agent) {
        Filter first = claim.filters.remove(agent);
        if (first != null) {
            forget(first);
        }
    }

    private void forget(Filter first) {
        for (Filter filter = first; filter != null; filter = filter.next) {
            byEnd.remove(filter);
        }
    }

    /** When the next filter ends, or {@link Long#MAX_VALUE}. */
    long nextEndNs() {
        return byEnd.isEmpty() ? Long.MAX_VALUE : byEnd.first().untilNs;
    }

    int size() {
        return byEnd.size();
    }
}
