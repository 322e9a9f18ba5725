package dev.berth.master.allocator;

import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.FrameworkId;
import dev.berth.master.resources.Resource;
import dev.berth.master.resources.Resources;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The rules of allocation as they read, with no structure that could go stale: lists of facts, and every question is answered by going through all of them.
 * It makes no offers; it says which offer an agent must lead to now.
 */
final class NaiveAllocator {
    record Key(FrameworkId framework, Role role) {}

    record Grant(FrameworkId framework, Role role, Resources resources) {}

    record Agent(Resources total, boolean active) {}

    record Framework(FrameworkSpec spec, boolean active, Set<Role> suppressed) {}

    private record Held(Key key, AgentId agent, Resources resources) {}

    private record Refusal(Key key, AgentId agent, Resources refused, long untilNs) {}

    final Map<String, Agent> agents = new TreeMap<>();
    final Map<String, Framework> frameworks = new TreeMap<>();
    private final AllocatorOptions options;
    private final Map<String, Double> weights = new TreeMap<>();
    private final Map<String, Long> grants = new TreeMap<>();
    private List<Held> held = new ArrayList<>();
    private List<Refusal> refusals = new ArrayList<>();

    NaiveAllocator(AllocatorOptions options) {
        this.options = options;
    }

    void putAgent(AgentId id, Resources total) {
        Agent old = agents.put(id.value(), new Agent(total, true));
        if (old != null) {
            agents.put(id.value(), new Agent(total, old.active));
            if (!old.total.equals(total)) {
                refusals.removeIf(refusal -> refusal.agent.equals(id));
            }
        }
    }

    void endRefusals(AgentId id) {
        refusals.removeIf(refusal -> refusal.agent.equals(id));
    }

    void removeAgent(AgentId id) {
        agents.remove(id.value());
        held.removeIf(h -> h.agent.equals(id));
        refusals.removeIf(refusal -> refusal.agent.equals(id));
        forgetGrants();
    }

    void agentActive(AgentId id, boolean active) {
        agents.computeIfPresent(id.value(), (_, old) -> new Agent(old.total, active));
    }

    void putFramework(FrameworkSpec spec, boolean active) {
        frameworks.put(
                spec.id().value(), new Framework(spec, active, new TreeSet<>(spec.suppressed())));
        dropRefusals();
        forgetGrants();
    }

    void removeFramework(FrameworkId id) {
        frameworks.remove(id.value());
        dropRefusals();
        forgetGrants();
    }

    void frameworkActive(FrameworkId id, boolean active) {
        frameworks.computeIfPresent(
                id.value(), (_, old) -> new Framework(old.spec, active, old.suppressed));
        dropRefusals();
    }

    private void dropRefusals() {
        refusals.removeIf(refusal -> !present(refusal.key));
    }

    private boolean present(Key key) {
        Framework framework = frameworks.get(key.framework.value());
        return framework != null && framework.active && framework.spec.roles().contains(key.role);
    }

    void suppress(FrameworkId id, Set<Role> roles) {
        Framework framework = frameworks.get(id.value());
        if (framework != null) {
            framework.suppressed.addAll(roles.isEmpty() ? framework.spec.roles() : roles);
        }
    }

    void revive(FrameworkId id, Set<Role> roles) {
        Framework framework = frameworks.get(id.value());
        if (framework != null) {
            Set<Role> named = roles.isEmpty() ? framework.spec.roles() : roles;
            framework.suppressed.removeAll(named);
            refusals.removeIf(refusal ->
                    refusal.key.framework.equals(id) && named.contains(refusal.key.role));
        }
    }

    void weights(Map<Role, Double> changed) {
        changed.forEach((role, weight) -> weights.put(role.path(), weight));
    }

    void charge(FrameworkId framework, Role role, AgentId agent, Resources resources) {
        if (agents.containsKey(agent.value()) && !resources.isEmpty()) {
            held.add(new Held(new Key(framework, role), agent, resources));
            chain(new Key(framework, role)).forEach(node -> grants.putIfAbsent(node, 0L));
        }
    }

    void grant(AgentId agent, Grant grant) {
        charge(grant.framework, grant.role, agent, grant.resources);
        chain(new Key(grant.framework, grant.role))
                .forEach(node -> grants.merge(node, 1L, Long::sum));
    }

    void recover(Key key, AgentId agent, Resources resources, OptionalLong refuseNs, long nowNs) {
        Resources left = held(key, agent).minus(resources);
        held.removeIf(h -> h.key.equals(key) && h.agent.equals(agent));
        if (!left.isEmpty()) {
            held.add(new Held(key, agent, left));
        }
        if (refuseNs.isPresent() && present(key)) {
            long refuse =
                    Math.min(
                            Math.max(refuseNs.getAsLong(), options.minRefuseNs()),
                            31_536_000_000_000_000L);
            refusals.add(new Refusal(key, agent, resources, nowNs + refuse));
        }
        forgetGrants();
    }

    /** How often was granted is remembered for as long as there is somebody below. */
    private void forgetGrants() {
        Set<String> alive = new TreeSet<>();
        keys().forEach(key -> alive.addAll(chain(key)));
        grants.keySet().retainAll(alive);
    }

    /** Everybody who is subscribed to a role or has something in it. */
    private List<Key> keys() {
        List<Key> keys = new ArrayList<>();
        frameworks
                .values()
                .forEach(f -> f.spec.roles().forEach(role -> keys.add(new Key(f.spec.id(), role))));
        held.forEach(h -> keys.add(h.key));
        return keys;
    }

    Resources held(Key key, AgentId agent) {
        return Resources.sum(
                held.stream()
                        .filter(h -> h.key.equals(key) && h.agent.equals(agent))
                        .map(Held::resources)
                        .toList());
    }

    /** All that somebody has somewhere. */
    Map<String, Resources> holdings() {
        Map<String, Resources> result = new TreeMap<>();
        held.forEach(h ->
                result.merge(
                        h.agent + " " + h.key.framework + " " + h.key.role,
                        h.resources,
                        Resources::plus));
        return result;
    }

    Resources free(AgentId id) {
        Agent agent = agents.get(id.value());
        return agent == null
                ? Resources.EMPTY
                : agent.total.without(
                        Resources.sum(
                                held.stream()
                                        .filter(h -> h.agent.equals(id))
                                        .map(Held::resources)
                                        .toList()));
    }

    /** The offer that the agent must lead to now, if any. */
    Optional<Grant> expected(AgentId id, long nowNs) {
        Agent agent = agents.get(id.value());
        Resources free = free(id);
        if (agent == null || !agent.active || free.isEmpty()) {
            return Optional.empty();
        }
        return keys().stream()
                .distinct()
                .filter(key -> may(key, id, agent, free, nowNs))
                .min(this::compare)
                .map(key -> new Grant(key.framework, key.role, free));
    }

    private boolean may(Key key, AgentId id, Agent agent, Resources free, long nowNs) {
        Framework framework = frameworks.get(key.framework.value());
        if (framework == null || !present(key) || framework.suppressed.contains(key.role)) {
            return false;
        }
        if (options.hideGpus()
                && agent.total.millis("gpus") > 0
                && !framework.spec.gpuResources()) {
            return false;
        }
        List<Resources> minimums =
                framework.spec.minimums().getOrDefault(key.role, options.minimums());
        return (minimums.isEmpty() || minimums.stream().anyMatch(free::contains))
                && refusals.stream()
                        .filter(r -> r.key.equals(key) && r.agent.equals(id) && r.untilNs > nowNs)
                        .noneMatch(r -> r.refused.contains(free));
    }

    /** From the top role down to the framework: {@code a}, {@code a/b}, {@code a/b/.}, {@code a/b/. framework}. */
    private static List<String> chain(Key key) {
        List<String> chain = new ArrayList<>();
        String path = "";
        for (String name : key.role.path().split("/", -1)) {
            path = path.isEmpty() ? name : path + "/" + name;
            chain.add(path);
        }
        chain.add(path + "/.");
        chain.add(path + "/. " + key.framework);
        return chain;
    }

    private int compare(Key a, Key b) {
        List<String> x = chain(a);
        List<String> y = chain(b);
        int i = 0;
        while (x.get(i).equals(y.get(i))) {
            i++;
            if (i == x.size()) {
                return 0;
            }
        }
        return Comparator.comparingDouble(this::share)
                .thenComparingLong(node -> grants.getOrDefault(node, 0L))
                .thenComparing(Comparator.naturalOrder())
                .compare(x.get(i), y.get(i));
    }

    private double share(String node) {
        return plainShare(node) / weights.getOrDefault(node, 1.0);
    }

    double plainShare(String node) {
        Resources mine =
                Resources.sum(
                        held.stream()
                                .filter(h -> chain(h.key).contains(node))
                                .map(Held::resources)
                                .toList());
        Resources total = Resources.sum(agents.values().stream().map(Agent::total).toList());
        double share = 0;
        for (Resource entry : mine.entries()) {
            if (entry instanceof Resource.Scalar scalar
                    && !options.excluded().contains(scalar.name())) {
                long of = total.millis(scalar.name());
                share = of == 0 ? share : Math.max(share, (double) scalar.millis() / of);
            }
        }
        return share;
    }

    /** What GET_ROLES must show. */
    List<RoleQuantities> roles() {
        Map<String, Set<FrameworkId>> members = new TreeMap<>();
        weights.keySet().forEach(path -> members.put(path, new TreeSet<>()));
        keys().forEach(key ->
                members.computeIfAbsent(key.role.path(), _ -> new TreeSet<>()).add(key.framework));
        return members.entrySet().stream()
                .map(entry ->
                        new RoleQuantities(
                                new Role(entry.getKey()),
                                weights.getOrDefault(entry.getKey(), 1.0),
                                List.copyOf(entry.getValue()),
                                Resources.sum(
                                        held.stream()
                                                .filter(h ->
                                                        h.key.role.path().equals(entry.getKey()))
                                                .map(h -> h.resources.scalars())
                                                .toList()),
                                plainShare(entry.getKey())))
                .toList();
    }
}
