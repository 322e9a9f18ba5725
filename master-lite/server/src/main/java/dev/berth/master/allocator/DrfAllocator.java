package dev.berth.master.allocator;

import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.FrameworkId;
import dev.berth.master.resources.Resources;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * Dominant resource fairness over a tree of weighted roles and the frameworks in them. An agent that is due goes, with all it has free, to the first
 * framework in the order of fairness that may have it. Conductor thread; nothing blocks. Source: Ghodsi et al., "Dominant Resource Fairness" (NSDI 2011);
 * Mesos's hierarchical allocator for what frameworks can observe.
 */
public final class DrfAllocator implements Allocator {
    private static final long MAX_REFUSE_NS = 365L * 24 * 3600 * 1_000_000_000L;

    private final AllocatorOptions options;
    private final SplittableRandom random;
    private final FairTotals totals;
    private final RoleTree roles;
    private final Filters filters = new Filters();
    private final Map<AgentId, AgentState> agents = new HashMap<>();
    private final Map<FrameworkId, FrameworkState> frameworks = new HashMap<>();

    /** Something changed in their favour. */
    private final AgentSet due = new AgentSet();

    /** They have something free that nobody may have as things stand. */
    private final AgentSet idle = new AgentSet();

    /** Numbers what makes claims eligible for more; see {@link AgentState#knownUpTo}. */
    private long events;

    /** An allocator without agents and frameworks. */
    public DrfAllocator(AllocatorOptions options) {
        this.options = options;
        this.random = new SplittableRandom(options.seed());
        this.totals = new FairTotals(options.excluded());
        this.roles = new RoleTree(totals);
    }

    @Override
    public void addAgent(AgentId id, Resources total, List<Use> used) {
        if (agents.containsKey(id)) {
            throw new IllegalArgumentException("agent " + id + " is known already");
        }
        AgentState agent = new AgentState(id);
        agents.put(id, agent);
        replaceTotal(agent, total);
        for (Use use : used) {
            if (!use.resources().isEmpty()) {
                take(claim(use.framework(), use.role()), agent, use.resources());
            }
        }
        wake(agent);
    }

    @Override
    public void updateAgent(AgentId id, Resources total) {
        AgentState agent = agents.get(id);
        if (agent == null || agent.total.equals(total)) {
            return;
        }
        replaceTotal(agent, total);
        filters.clear(agent);
        wake(agent);
    }

    @Override
    public void endRefusals(AgentId id) {
        AgentState agent = agents.get(id);
        if (agent != null) {
            filters.clear(agent);
            wake(agent);
        }
    }

    private void replaceTotal(AgentState agent, Resources total) {
        totals.add(total);
        totals.remove(agent.total);
        agent.total = total;
        agent.gpusHidden = options.hideGpus() && total.millis("gpus") > 0;
        agent.computeFree();
        roles.sharesChanged();
    }

    @Override
    public void removeAgent(AgentId id) {
        AgentState agent = agents.remove(id);
        if (agent == null) {
            return;
        }
        AgentSet.leave(agent);
        filters.clear(agent);
        totals.remove(agent.total);
        roles.sharesChanged();
        agent.held.forEach((claim, resources) -> {
            claim.change(resources, false);
            claim.agents--;
            FrameworkState framework = frameworks.get(claim.framework);
            if (framework != null) {
                dropIfUnused(framework, claim);
            }
        });
    }

    @Override
    public void activateAgent(AgentId id) {
        AgentState agent = agents.get(id);
        if (agent != null) {
            agent.active = true;
            wake(agent);
        }
    }

    @Override
    public void deactivateAgent(AgentId id) {
        AgentState agent = agents.get(id);
        if (agent != null) {
            agent.active = false;
            AgentSet.leave(agent);
        }
    }

    /** Something changed in the agent's favour. */
    private void wake(AgentState agent) {
        agent.knownUpTo = -1;
        if (agent.offerable()) {
            due.take(agent);
        } else {
            AgentSet.leave(agent);
        }
    }

    @Override
    public void addFramework(FrameworkSpec spec, boolean active) {
        FrameworkState framework = frameworks.computeIfAbsent(spec.id(), FrameworkState::new);
        if (framework.known) {
            throw new IllegalArgumentException("framework " + spec.id() + " is known already");
        }
        framework.active = active;
        apply(framework, spec);
    }

    @Override
    public void updateFramework(FrameworkSpec spec) {
        FrameworkState framework = frameworks.get(spec.id());
        if (framework != null && framework.known) {
            apply(framework, spec);
        }
    }

    private void apply(FrameworkState framework, FrameworkSpec spec) {
        framework.roles.clear();
        framework.roles.addAll(spec.roles());
        framework.suppressed.clear();
        framework.suppressed.addAll(spec.suppressed());
        framework.known = true;
        for (Role role : framework.roles) {
            Claim claim = claim(framework.id, role);
            claim.seesGpus = spec.gpuResources();
            claim.minimums = List.copyOf(spec.minimums().getOrDefault(role, options.minimums()));
        }
        settle(framework);
        wakeFor(framework);
    }

    /** Brings all of a framework's claims in line with what it wants. */
    private void settle(FrameworkState framework) {
        for (Claim claim : List.copyOf(framework.claims.values())) {
            boolean wanted = framework.wants(claim.role);
            if (claim.wanted != wanted) {
                claim.wanted = wanted;
                claim.changeActive(wanted ? 1 : -1);
            }
            if (!framework.mayRefuse(claim.role)) {
                filters.clear(claim);
            }
            dropIfUnused(framework, claim);
        }
    }

    /** Something changed in the framework's favour. */
    private void wakeFor(FrameworkState framework) {
        boolean wantsAny = false;
        for (Claim claim : framework.claims.values()) {
            claim.widenedAt = ++events;
            wantsAny |= claim.wanted;
        }
        if (wantsAny) {
            due.takeAll(idle);
        }
    }

    private Claim claim(FrameworkId id, Role role) {
        return frameworks
                .computeIfAbsent(id, FrameworkState::new)
                .claims
                .computeIfAbsent(role, r -> roles.add(id, r));
    }

    private void dropIfUnused(FrameworkState framework, Claim claim) {
        if (claim.agents == 0 && !framework.roles.contains(claim.role)) {
            framework.claims.remove(claim.role);
            roles.remove(claim);
        }
        if (!framework.known && framework.claims.isEmpty()) {
            frameworks.remove(framework.id);
        }
    }

    @Override
    public void removeFramework(FrameworkId id) {
        FrameworkState framework = frameworks.get(id);
        if (framework != null) {
            framework.known = false;
            framework.active = false;
            framework.roles.clear();
            settle(framework);
        }
    }

    @Override
    public void activateFramework(FrameworkId id) {
        FrameworkState framework = frameworks.get(id);
        if (framework != null && framework.known) {
            framework.active = true;
            settle(framework);
            wakeFor(framework);
        }
    }

    @Override
    public void deactivateFramework(FrameworkId id) {
        FrameworkState framework = frameworks.get(id);
        if (framework != null && framework.known) {
            framework.active = false;
            settle(framework);
        }
    }

    @Override
    public void suppress(FrameworkId id, Set<Role> which) {
        FrameworkState framework = frameworks.get(id);
        if (framework != null) {
            framework.suppressed.addAll(framework.named(which));
            settle(framework);
        }
    }

    @Override
    public void revive(FrameworkId id, Set<Role> which) {
        FrameworkState framework = frameworks.get(id);
        if (framework != null) {
            Set<Role> named = framework.named(which);
            framework.suppressed.removeAll(named);
            for (Role role : named) {
                filters.clear(claim(id, role));
            }
            settle(framework);
            wakeFor(framework);
        }
    }

    @Override
    public void charge(FrameworkId framework, Role role, AgentId id, Resources resources) {
        AgentState agent = agents.get(id);
        if (agent != null && !resources.isEmpty()) {
            take(claim(framework, role), agent, resources);
            if (!agent.offerable()) {
                AgentSet.leave(agent);
            }
        }
    }

    @Override
    public void recover(
            FrameworkId id,
            Role role,
            AgentId agentId,
            Resources resources,
            OptionalLong refuseNs,
            long nowNs) {
        AgentState agent = agents.get(agentId);
        if (agent == null || resources.isEmpty()) {
            return;
        }
        FrameworkState framework = frameworks.get(id);
        Claim claim = framework == null ? null : framework.claims.get(role);
        Resources held = claim == null ? null : agent.held.get(claim);
        if (framework == null || claim == null || held == null || !held.contains(resources)) {
            throw new IllegalArgumentException(
                    "framework "
                            + id
                            + " has {"
                            + (held == null ? "" : held)
                            + "} as "
                            + role
                            + " on agent "
                            + agentId
                            + " and cannot give back {"
                            + resources
                            + "}");
        }
        Resources left = held.without(resources);
        if (left.isEmpty()) {
            agent.held.remove(claim);
            claim.agents--;
        } else {
            agent.held.put(claim, left);
        }
        agent.allocated = agent.allocated.without(resources);
        agent.computeFree();
        claim.change(resources, false);
        if (refuseNs.isPresent() && framework.mayRefuse(role)) {
            long refuse = Math.clamp(refuseNs.getAsLong(), options.minRefuseNs(), MAX_REFUSE_NS);
            filters.add(claim, agent, resources, nowNs + refuse);
        }
        dropIfUnused(framework, claim);
        wake(agent);
    }

    private void take(Claim claim, AgentState agent, Resources resources) {
        Resources before = agent.held.get(claim);
        if (before == null) {
            claim.agents++;
        }
        agent.held.put(claim, before == null ? resources : before.plus(resources));
        agent.allocated = agent.allocated.plus(resources);
        agent.computeFree();
        claim.change(resources, true);
    }

    @Override
    public void updateWeights(Map<Role, Double> weights) {
        weights.forEach((role, weight) -> {
            if (!(weight > 0 && weight <= Double.MAX_VALUE)) {
                throw new IllegalArgumentException(
                        "weight of role '" + role + "' must be above 0, not " + weight);
            }
        });
        roles.updateWeights(weights);
    }

    @Override
    public int poll(OfferHandler handler, int limit, long nowNs) {
        int looked = 0;
        while (looked < limit) {
            Filter ended = filters.ended(nowNs);
            if (ended == null) {
                break;
            }
            looked++;
            ended.claim.widenedAt = ++events;
            if (ended.claim.wanted && ended.agent.set == idle) {
                due.take(ended.agent);
            }
        }
        while (looked < limit && !due.isEmpty()) {
            AgentState agent = due.draw(random);
            looked++;
            Claim claim = roles.first(agent);
            if (claim == null) {
                agent.knownUpTo = events;
                idle.take(agent);
            } else {
                Resources offered = agent.free;
                take(claim, agent, offered);
                claim.granted();
                handler.onOffer(claim.framework, claim.role, agent.id, offered);
            }
        }
        return looked;
    }

    @Override
    public long dueNs() {
        return due.isEmpty() ? filters.nextEndNs() : Long.MIN_VALUE;
    }

    @Override
    public List<RoleQuantities> roles() {
        SortedMap<Role, List<FrameworkId>> members = new TreeMap<>();
        for (Role role : roles.weights().keySet()) {
            members.put(role, new ArrayList<>());
        }
        for (FrameworkState framework : frameworks.values()) {
            for (Role role : framework.claims.keySet()) {
                members.computeIfAbsent(role, _ -> new ArrayList<>()).add(framework.id);
            }
        }
        List<RoleQuantities> result = new ArrayList<>(members.size());
        members.forEach((role, ids) -> {
            ids.sort(null);
            result.add(
                    new RoleQuantities(
                            role,
                            roles.weight(role),
                            List.copyOf(ids),
                            roles.held(role),
                            roles.share(role)));
        });
        return List.copyOf(result);
    }

    @Override
    public Resources free(AgentId id) {
        AgentState agent = agents.get(id);
        return agent == null ? Resources.EMPTY : agent.free;
    }
}
