/**
 * Who is offered what: dominant resource fairness over hierarchical roles, event-driven. An offer leaves when something changed that lets it leave, and
 * only the agents that changed are looked at.
 *
 * <p>One thread (the master's conductor); time is passed in. Entry type: {@link dev.berth.master.allocator.Allocator}. How it stays incremental:
 *
 * <ul>
 *   <li>an agent with free resources is either <em>due</em> (something changed in its favour) or <em>idle</em> (nobody may have it as things stand); a poll
 *       takes agents out of the due ones by a seeded draw, which spreads work;
 *   <li>only what widens eligibility makes idle agents due again: a role revived, a framework added, activated or changed, a filter run out;
 *   <li>an idle agent that is due again for that reason asks only those whose eligibility was widened since it was last looked at;
 *   <li>roles and frameworks stand in a tree whose children are always in the order of their shares; a grant moves only the nodes above it. Only a change
 *       of the cluster's total or of a weight sorts anew.
 * </ul>
 */
@NullMarked
package dev.berth.master.allocator;

import org.jspecify.annotations.NullMarked;
