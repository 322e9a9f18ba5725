package dev.berth.master.allocator;

import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.FrameworkId;
import dev.berth.master.resources.Resources;

import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Decides which framework is offered which agent. All calls: conductor thread. All times come from one monotonic clock that does not wrap ({@code
 * System.nanoTime} on Linux).
 *
 * <p>What a framework has been offered counts as its own until it is given back, whether it accepts or not. A framework or agent that is not known is no
 * error where that can happen by a race of messages; giving back more than was taken is a bug of the caller and throws without effect.
 */
public interface Allocator {
    /**
     * An agent registered. It is active.
     *
     * @param total all it has
     * @param used what runs there already; the frameworks need not be known yet
     * @throws IllegalArgumentException if the agent is known
     */
    void addAgent(AgentId agent, Resources total, List<Use> used);

    /**
     * What the agent has in total changed: filters on it end if it really did, its free resources are offered anew. What is in use stays in use, even beyond the
     * total. An unknown agent is ignored.
     */
    void updateAgent(AgentId agent, Resources total);

    /** It is not what was refused: filters on it end, its free resources are offered anew. An unknown agent is ignored. */
    void endRefusals(AgentId agent);

    /** The agent is gone, and all that was offered or used there with it. An unknown agent is ignored. */
    void removeAgent(AgentId agent);

    /** Its resources are offered again. An unknown agent is ignored. */
    void activateAgent(AgentId agent);

    /** Its resources are no longer offered but count in the total. An unknown agent is ignored. */
    void deactivateAgent(AgentId agent);

    /**
     * A framework subscribed, or is known from agents. It is active if so said.
     *
     * @throws IllegalArgumentException if the framework is known
     */
    void addFramework(FrameworkSpec framework, boolean active);

    /**
     * Roles, suppressed roles, capabilities or minimums changed. Filters in roles that it left end; in the others they stay. All agents are looked at anew
     * for it. An unknown framework is ignored.
     */
    void updateFramework(FrameworkSpec framework);

    /** The framework is gone; what it still has stays counted until it is given back. Its filters end. An unknown framework is ignored. */
    void removeFramework(FrameworkId framework);

    /** It gets offers again, in the roles that are not suppressed. An unknown framework is ignored. */
    void activateFramework(FrameworkId framework);

    /** It gets no offers; its filters end. An unknown framework is ignored. */
    void deactivateFramework(FrameworkId framework);

    /**
     * No offers in these roles until revived. Offers that are out stay out. An unknown framework is ignored.
     *
     * @param roles empty: all it is subscribed to; roles that it is not subscribed to are ignored
     */
    void suppress(FrameworkId framework, Set<Role> roles);

    /**
     * Offers again in these roles, and its filters in them end. An unknown framework is ignored.
     *
     * @param roles empty: all it is subscribed to; roles that it is not subscribed to are ignored
     */
    void revive(FrameworkId framework, Set<Role> roles);

    /**
     * Counts resources as the framework's that were not offered: tasks that an agent reports. An unknown agent is ignored, the framework need not be known.
     */
    void charge(FrameworkId framework, Role role, AgentId agent, Resources resources);

    /**
     * Gives resources back: an offer or a part of it that was declined or rescinded, or a task that ended. An unknown agent is ignored.
     *
     * @param refuseNs how long the framework shall not be offered these resources, or a part of them, in this role on this agent: from the shortest refusal to
     *     365 days, values outside are moved to the nearest; empty for no filter (task ended, offer rescinded)
     * @throws IllegalArgumentException if the framework does not have that much there in that role; nothing is changed then
     */
    void recover(
            FrameworkId framework,
            Role role,
            AgentId agent,
            Resources resources,
            OptionalLong refuseNs,
            long nowNs);

    /**
     * Sets weights of roles, whether they are in use or not; others keep theirs.
     *
     * @throws IllegalArgumentException for a weight that is not a finite number above 0; nothing is changed then
     */
    void updateWeights(Map<Role, Double> weights);

    /**
     * Makes offers that are due.
     *
     * @param limit how many agents and ended filters to look at; bounds the time this takes
     * @return how many were looked at; 0 when nothing is left to do
     */
    int poll(OfferHandler handler, int limit, long nowNs);

    /** When {@link #poll} has something to do: {@link Long#MIN_VALUE} at once, {@link Long#MAX_VALUE} when nothing is waited for. */
    long dueNs();

    /** All roles that have a framework, an allocation or a weight, ascending. */
    List<RoleQuantities> roles();

    /** What the agent has that is neither offered nor used; nothing for an unknown agent. */
    Resources free(AgentId agent);
}
