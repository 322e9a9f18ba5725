package dev.berth.master.allocator;

import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.FrameworkId;
import dev.berth.master.resources.Ranges;
import dev.berth.master.resources.Resource;
import dev.berth.master.resources.Resources;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

/** A random life of a small cluster, told to an allocator and to the naive rules at once; every disagreement is an AssertionError with the last steps. */
final class History {
    private static final List<Role> ROLES =
            List.of(
                    new Role("*"),
                    new Role("a"),
                    new Role("a/b"),
                    new Role("a/c"),
                    new Role("d"),
                    new Role("e/f/g"));
    private static final long SECOND = 1_000_000_000L;

    private final Random random;
    private final long seed;
    private final Allocator allocator;
    private final NaiveAllocator naive;
    private final Deque<String> steps = new ArrayDeque<>();
    private long nowNs;
    int offers;

    History(long seed, AllocatorOptions options, Allocator allocator) {
        this.seed = seed;
        this.random = new Random(seed);
        this.allocator = allocator;
        this.naive = new NaiveAllocator(options);
        this.nowNs = random.nextInt(3) * SECOND - SECOND;
    }

    /** Options that differ from seed to seed. */
    static AllocatorOptions options(long seed) {
        Random random = new Random(seed * 31);
        AllocatorOptions usual = AllocatorOptions.defaults(seed);
        return new AllocatorOptions(
                random.nextInt(3) > 0 ? usual.minimums() : List.of(),
                random.nextInt(3) > 0 ? Set.of() : Set.of("gpus", "mem"),
                random.nextInt(4) > 0,
                SECOND / (1 + random.nextInt(3)),
                seed);
    }

    void live(int length) {
        for (int i = 0; i < length; i++) {
            step();
            if (random.nextInt(3) > 0) {
                poll();
            }
            check();
        }
    }

    private void step() {
        AgentId agent = agent();
        FrameworkId framework = framework();
        boolean agentKnown = naive.agents.containsKey(agent.value());
        boolean frameworkKnown = naive.frameworks.containsKey(framework.value());
        switch (random.nextInt(20)) {
            case 0, 1 -> {
                if (agentKnown) {
                    updateAgent(agent);
                } else {
                    addAgent(agent);
                }
            }
            case 2 -> {
                if (random.nextInt(3) == 0) {
                    told("removeAgent " + agent);
                    allocator.removeAgent(agent);
                    naive.removeAgent(agent);
                }
            }
            case 3 -> agentActive(agent, random.nextInt(3) > 0);
            case 4, 5 -> putFramework(framework, frameworkKnown);
            case 6 -> {
                if (random.nextInt(3) == 0) {
                    told("removeFramework " + framework);
                    allocator.removeFramework(framework);
                    naive.removeFramework(framework);
                }
            }
            case 7 -> frameworkActive(framework, random.nextInt(3) > 0);
            case 8 -> {
                Set<Role> roles = someRoles();
                told("suppress " + framework + " " + roles);
                allocator.suppress(framework, roles);
                naive.suppress(framework, roles);
            }
            case 9, 10 -> {
                Set<Role> roles = someRoles();
                told("revive " + framework + " " + roles);
                allocator.revive(framework, roles);
                naive.revive(framework, roles);
            }
            case 11 -> updateWeights();
            case 12 -> charge(framework, agent);
            case 13 -> nowNs += random.nextInt(4) * SECOND / 2;
            case 14 -> toTheNextDeadline();
            case 15 -> {
                told("endRefusals " + agent);
                allocator.endRefusals(agent);
                naive.endRefusals(agent);
            }
            default -> recoverSomething();
        }
    }

    private void addAgent(AgentId agent) {
        Resources total = resources();
        List<Use> used = new ArrayList<>();
        Resources left = total;
        for (int i = random.nextInt(3); i > 0; i--) {
            Resources part = part(left);
            left = left.minus(part);
            used.add(new Use(framework(), role(), part));
        }
        told("addAgent " + agent + " {" + total + "} used " + used);
        allocator.addAgent(agent, total, used);
        naive.putAgent(agent, total);
        used.forEach(use -> naive.charge(use.framework(), use.role(), agent, use.resources()));
    }

    private void updateAgent(AgentId agent) {
        Resources total =
                random.nextInt(4) == 0 ? naive.agents.get(agent.value()).total() : resources();
        told("updateAgent " + agent + " {" + total + "}");
        allocator.updateAgent(agent, total);
        naive.putAgent(agent, total);
    }

    private void agentActive(AgentId agent, boolean active) {
        told((active ? "activateAgent " : "deactivateAgent ") + agent);
        if (active) {
            allocator.activateAgent(agent);
        } else {
            allocator.deactivateAgent(agent);
        }
        naive.agentActive(agent, active);
    }

    private void putFramework(FrameworkId framework, boolean known) {
        Map<Role, List<Resources>> minimums = new HashMap<>();
        if (random.nextInt(3) == 0) {
            minimums.put(
                    role(),
                    random.nextInt(3) == 0
                            ? List.of()
                            : List.of(Resources.scalar("cpus", 1 + random.nextInt(3))));
        }
        Set<Role> roles = someRoles();
        Set<Role> suppressed = random.nextInt(3) == 0 ? someRoles() : Set.of();
        FrameworkSpec spec =
                new FrameworkSpec(framework, roles, suppressed, random.nextInt(3) > 0, minimums);
        boolean active = random.nextInt(5) > 0;
        told((known ? "update " : "add active=" + active + " ") + spec);
        if (known) {
            allocator.updateFramework(spec);
            naive.putFramework(spec, naive.frameworks.get(framework.value()).active());
        } else {
            allocator.addFramework(spec, active);
            naive.putFramework(spec, active);
        }
    }

    private void frameworkActive(FrameworkId framework, boolean active) {
        told((active ? "activateFramework " : "deactivateFramework ") + framework);
        if (active) {
            allocator.activateFramework(framework);
        } else {
            allocator.deactivateFramework(framework);
        }
        naive.frameworkActive(framework, active);
    }

    private void updateWeights() {
        Map<Role, Double> weights = new HashMap<>();
        for (int i = random.nextInt(3); i >= 0; i--) {
            Role role = random.nextInt(4) == 0 ? new Role("e/f") : role();
            weights.put(role, new double[] {0.5, 1, 2, 3}[random.nextInt(4)]);
        }
        told("updateWeights " + weights);
        allocator.updateWeights(weights);
        naive.weights(weights);
    }

    private void charge(FrameworkId framework, AgentId agent) {
        Resources resources = part(naive.free(agent));
        if (random.nextInt(4) == 0) {
            resources = resources.plus(Resources.scalar("cpus", 1));
        }
        Role role = role();
        told("charge " + framework + " " + role + " " + agent + " {" + resources + "}");
        allocator.charge(framework, role, agent, resources);
        naive.charge(framework, role, agent, resources);
    }

    private void recoverSomething() {
        List<String> holdings = new ArrayList<>(naive.holdings().keySet());
        if (holdings.isEmpty()) {
            return;
        }
        String[] names = holdings.get(random.nextInt(holdings.size())).split(" ", -1);
        recover(new FrameworkId(names[1]), new Role(names[2]), new AgentId(names[0]));
    }

    private void recover(FrameworkId framework, Role role, AgentId agent) {
        NaiveAllocator.Key key = new NaiveAllocator.Key(framework, role);
        Resources all = naive.held(key, agent);
        Resources resources = random.nextInt(3) == 0 ? part(all) : all;
        if (resources.isEmpty()) {
            return;
        }
        OptionalLong refuse =
                switch (random.nextInt(6)) {
                    case 0, 1 -> OptionalLong.empty();
                    case 2 -> OptionalLong.of(0);
                    case 3 -> OptionalLong.of(random.nextInt(3) * SECOND);
                    case 4 -> OptionalLong.of(5 * SECOND);
                    default -> OptionalLong.of(Long.MAX_VALUE);
                };
        told("recover " + key + " " + agent + " {" + resources + "} refuse " + refuse);
        allocator.recover(framework, role, agent, resources, refuse, nowNs);
        naive.recover(key, agent, resources, refuse, nowNs);
    }

    /** Nothing may become due before the allocator says so. */
    private void toTheNextDeadline() {
        while (poll() > 0) {
            // until all that is due now has left
        }
        long dueNs = allocator.dueNs();
        if (dueNs <= nowNs) {
            throw disagreement("nothing is left to do, but due is " + dueNs);
        }
        nowNs = Math.min(dueNs - 1, nowNs + 100 * SECOND);
        told("to just before the deadline");
        if (poll() > 0) {
            throw disagreement("something was done before " + dueNs);
        }
        nowNs++;
    }

    private int poll() {
        int limit = 1 + random.nextInt(4);
        told("poll " + limit);
        int[] delivered = new int[1];
        int looked =
                allocator.poll(
                        (framework, role, agent, resources) -> {
                            delivered[0]++;
                            onOffer(new NaiveAllocator.Grant(framework, role, resources), agent);
                        },
                        limit,
                        nowNs);
        if (looked > limit || delivered[0] > looked) {
            throw disagreement(
                    "poll(" + limit + ") looked at " + looked + " and offered " + delivered[0]);
        }
        if (looked == 0) {
            nothingIsExpected();
        }
        return looked;
    }

    private void onOffer(NaiveAllocator.Grant offer, AgentId agent) {
        told("offer " + agent + " " + offer);
        Optional<NaiveAllocator.Grant> expected = naive.expected(agent, nowNs);
        if (!expected.equals(Optional.of(offer))) {
            throw disagreement("expected " + expected);
        }
        naive.grant(agent, offer);
        offers++;
        if (random.nextInt(4) == 0) {
            recover(offer.framework(), offer.role(), agent);
        }
    }

    private void nothingIsExpected() {
        for (String name : naive.agents.keySet()) {
            Optional<NaiveAllocator.Grant> expected = naive.expected(new AgentId(name), nowNs);
            if (expected.isPresent()) {
                throw disagreement(
                        "nothing was offered, expected on " + name + " " + expected.get());
            }
        }
    }

    private void check() {
        for (int i = 0; i < 6; i++) {
            AgentId agent = new AgentId("agent" + i);
            if (!allocator.free(agent).equals(naive.free(agent))) {
                throw disagreement(
                        agent
                                + " free {"
                                + allocator.free(agent)
                                + "}, expected {"
                                + naive.free(agent)
                                + "}");
            }
        }
        if (!allocator.roles().equals(naive.roles())) {
            throw disagreement("roles " + allocator.roles() + ", expected " + naive.roles());
        }
    }

    private AssertionError disagreement(String what) {
        return new AssertionError(
                "seed " + seed + " at " + nowNs + ": " + what + "\n" + String.join("\n", steps));
    }

    private void told(String step) {
        steps.addLast(nowNs + " " + step);
        if (steps.size() > 60) {
            steps.removeFirst();
        }
    }

    private AgentId agent() {
        return new AgentId("agent" + random.nextInt(6));
    }

    private FrameworkId framework() {
        return new FrameworkId("framework" + random.nextInt(5));
    }

    private Role role() {
        return ROLES.get(random.nextInt(ROLES.size()));
    }

    private Set<Role> someRoles() {
        Set<Role> roles = new TreeSet<>();
        for (int i = random.nextInt(4); i > 0; i--) {
            roles.add(role());
        }
        return roles;
    }

    private Resources resources() {
        Resources result =
                Resources.scalar("cpus", random.nextInt(5))
                        .plus(Resources.scalar("mem", 16 << random.nextInt(5)));
        if (random.nextInt(4) == 0) {
            result = result.plus(Resources.scalar("gpus", 1 + random.nextInt(4)));
        }
        if (random.nextInt(2) == 0) {
            result =
                    result.plus(
                            Resources.numbers("ports", Ranges.of(100, 100 + random.nextInt(50))));
        }
        return result;
    }

    private Resources part(Resources whole) {
        Resources part = Resources.EMPTY;
        for (Resource entry : whole.entries()) {
            if (random.nextInt(3) == 0) {
                continue;
            }
            switch (entry) {
                case Resource.Scalar scalar ->
                        part =
                                part.plus(
                                        Resources.scalarMillis(
                                                scalar.name(),
                                                random.nextBoolean()
                                                        ? scalar.millis()
                                                        : random.nextLong(scalar.millis() + 1)));
                case Resource.Numbers numbers ->
                        part =
                                part.plus(
                                        Resources.numbers(
                                                numbers.name(),
                                                Ranges.of(
                                                        numbers.ranges().ranges().subList(0, 1))));
                case Resource.Names _ -> throw new IllegalStateException("no sets here");
            }
        }
        return part;
    }
}
