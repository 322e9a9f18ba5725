package dev.berth.master.allocator;

import dev.berth.master.resources.Resources;

import org.jspecify.annotations.Nullable;

/** A claim refuses these resources, and every part of them, on an agent until a time. */
final class Filter implements Comparable<Filter> {
    final Claim claim;
    final AgentState agent;
    final Resources refused;
    final long untilNs;
    private final long number;

    /** The claim's next filter on the same agent. */
    @Nullable Filter next;

    /** Its neighbours among the claim's filters on all agents. */
    private @Nullable Filter before;

    private @Nullable Filter after;

    Filter(Claim claim, AgentState agent, Resources refused, long untilNs, long number) {
        this.claim = claim;
        this.agent = agent;
        this.refused = refused;
        this.untilNs = untilNs;
        this.number = number;
    }

    /** Enters the list of the claim's filters. */
    void enter() {
        after = claim.filters;
        if (after != null) {
            after.before = this;
        }
        claim.filters = this;
    }

    /** Leaves the list of the claim's filters. */
    void leave() {
        if (before == null) {
            claim.filters = after;
        } else {
            before.after = after;
        }
        if (after != null) {
            after.before = before;
        }
        before = null;
        after = null;
    }

    @Override
    public int compareTo(Filter other) {
        int byTime = Long.compare(untilNs, other.untilNs);
        return byTime != 0 ? byTime : Long.compare(number, other.number);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Filter filter && filter.number == number;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(number);
    }
}
