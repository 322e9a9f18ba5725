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
        Filter first = agent.filters.get(claim);
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
                old.leave();
            } else {
                old.next = rest;
                rest = old;
            }
        }
        Filter filter = new Filter(claim, agent, refused, untilNs, made++);
        filter.next = rest;
        agent.filters.put(claim, filter);
        byEnd.add(filter);
        filter.enter();
    }

    /** Takes out and returns the first filter that has ended, or null. */
    @Nullable Filter ended(long nowNs) {
        if (byEnd.isEmpty() || byEnd.first().untilNs > nowNs) {
            return null;
        }
        Filter filter = byEnd.removeFirst();
        takeOut(filter);
        return filter;
    }

    /** Takes a filter, which is out of {@link #byEnd}, from its agent and its claim. */
    private static void takeOut(Filter filter) {
        filter.leave();
        Filter kept = null;
        Filter next;
        for (Filter old = filter.agent.filters.get(filter.claim); old != null; old = next) {
            next = old.next;
            if (!old.equals(filter)) {
                old.next = kept;
                kept = old;
            }
        }
        if (kept == null) {
            filter.agent.filters.remove(filter.claim);
        } else {
            filter.agent.filters.put(filter.claim, kept);
        }
    }

    /** Ends all filters of a claim. */
    void clear(Claim claim) {
        for (Filter filter = claim.filters; filter != null; filter = claim.filters) {
            byEnd.remove(filter);
            takeOut(filter);
        }
    }

    /** Ends all filters on an agent. */
    void clear(AgentState agent) {
        for (Filter first : agent.filters.values()) {
            for (Filter filter = first; filter != null; filter = filter.next) {
                byEnd.remove(filter);
                filter.leave();
            }
        }
        agent.filters.clear();
    }

    /** When the next filter ends, or {@link Long#MAX_VALUE}. */
    long nextEndNs() {
        return byEnd.isEmpty() ? Long.MAX_VALUE : byEnd.first().untilNs;
    }
}
