package dev.berth.master.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.FrameworkId;
import dev.berth.master.resources.Resources;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

class DrfAllocatorTest {
    private static final long SECOND = 1_000_000_000L;
    private static final AgentId AGENT = new AgentId("agent");
    private static final FrameworkId ONE = new FrameworkId("one");
    private static final FrameworkId TWO = new FrameworkId("two");
    private static final Role A = new Role("a");
    private static final Role B = new Role("b");

    private record Offer(FrameworkId framework, Role role, AgentId agent, Resources resources) {}

    private final DrfAllocator allocator = new DrfAllocator(AllocatorOptions.defaults(7));

    private static Resources box(double cpus, double mem) {
        return Resources.scalar("cpus", cpus).plus(Resources.scalar("mem", mem));
    }

    private static FrameworkSpec framework(FrameworkId id, Role... roles) {
        return new FrameworkSpec(id, Set.of(roles), Set.of(), false, Map.of());
    }

    private static List<Offer> all(Allocator allocator, long nowNs) {
        List<Offer> offers = new ArrayList<>();
        while (allocator.poll(
                        (f, r, a, resources) -> offers.add(new Offer(f, r, a, resources)),
                        16,
                        nowNs)
                > 0) {
            // until nothing is left to do
        }
        return offers;
    }

    private void agents(int count) {
        for (int i = 0; i < count; i++) {
            allocator.addAgent(new AgentId("agent" + i), box(4, 1024), List.of());
        }
    }

    private Map<String, Integer> offersByRole(long nowNs) {
        Map<String, Integer> counts = new TreeMap<>();
        all(allocator, nowNs).forEach(offer -> counts.merge(offer.role().path(), 1, Integer::sum));
        return counts;
    }

    @Test
    void anAgentIsOfferedWholeToOneFramework() {
        allocator.addFramework(framework(ONE, Role.DEFAULT), true);
        assertThat(allocator.dueNs()).isEqualTo(Long.MAX_VALUE);
        allocator.addAgent(AGENT, box(4, 1024), List.of());
        assertThat(allocator.dueNs()).isEqualTo(Long.MIN_VALUE);
        assertThat(all(allocator, 0))
                .containsExactly(new Offer(ONE, Role.DEFAULT, AGENT, box(4, 1024)));
        assertThat(allocator.free(AGENT).isEmpty()).isTrue();
        assertThat(allocator.dueNs()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void weightsDivideTheClusterBetweenRoles() {
        allocator.updateWeights(Map.of(A, 2.0));
        allocator.addFramework(framework(ONE, A), true);
        allocator.addFramework(framework(TWO, B), true);
        agents(300);
        assertThat(offersByRole(0)).isEqualTo(Map.of("a", 200, "b", 100));
    }

    @Test
    void rolesBelowShareWhatTheirParentGets() {
        allocator.updateWeights(Map.of(new Role("a/y"), 3.0));
        int number = 0;
        for (String role : List.of("a/x", "a/y", "b", "a/x")) {
            allocator.addFramework(
                    framework(new FrameworkId("framework" + number++), new Role(role)), true);
        }
        agents(400);
        Map<String, Integer> offers = offersByRole(0);
        assertThat(offers).isEqualTo(Map.of("a/x", 50, "a/y", 150, "b", 200));
        assertThat(allocator.roles())
                .extracting(
                        role -> role.role().path() + " " + role.frameworks() + " " + role.share())
                .containsExactly(
                        "a/x [framework0, framework3] 0.125",
                        "a/y [framework1] 0.375",
                        "b [framework2] 0.5");
    }

    @Test
    void theDominantResourceCounts() {
        allocator.addAgent(
                new AgentId("used"),
                box(9, 18_000),
                List.of(new Use(ONE, A, box(3, 0)), new Use(TWO, B, box(0, 7_000))));
        allocator.addFramework(framework(ONE, A), true);
        allocator.addFramework(framework(TWO, B), true);
        // One third of the cpus is less than seven eighteenths of the memory.
        assertThat(all(allocator, 0)).extracting(Offer::framework).containsExactly(ONE);
    }

    @Test
    void aDeclinedAgentGoesToTheNextAndComesBackWhenTheRefusalEnds() {
        allocator.addFramework(framework(ONE, A), true);
        allocator.addFramework(framework(TWO, B), true);
        allocator.addAgent(AGENT, box(4, 1024), List.of());
        for (Offer offer : all(allocator, 0)) {
            allocator.recover(
                    offer.framework(),
                    offer.role(),
                    AGENT,
                    offer.resources(),
                    OptionalLong.of(5 * SECOND),
                    0);
        }
        List<Offer> second = all(allocator, SECOND);
        assertThat(second).containsExactly(new Offer(TWO, B, AGENT, box(4, 1024)));
        allocator.recover(TWO, B, AGENT, box(4, 1024), OptionalLong.of(60 * SECOND), SECOND);
        assertThat(all(allocator, SECOND)).isEmpty();
        assertThat(allocator.dueNs()).isEqualTo(5 * SECOND);
        assertThat(all(allocator, 5 * SECOND - 1)).isEmpty();
        assertThat(all(allocator, 5 * SECOND))
                .containsExactly(new Offer(ONE, A, AGENT, box(4, 1024)));
    }

    @Test
    void aRefusalHoldsForAPartButNotForMore() {
        allocator.addFramework(framework(ONE, A), true);
        allocator.addAgent(AGENT, box(4, 1024), List.of(new Use(TWO, B, box(2, 512))));
        all(allocator, 0);
        allocator.recover(ONE, A, AGENT, box(2, 512), OptionalLong.of(60 * SECOND), 0);
        allocator.charge(TWO, B, AGENT, box(1, 0));
        assertThat(all(allocator, SECOND)).isEmpty();
        allocator.recover(TWO, B, AGENT, box(2, 0), OptionalLong.empty(), SECOND);
        assertThat(all(allocator, SECOND)).containsExactly(new Offer(ONE, A, AGENT, box(3, 512)));
    }

    @Test
    void aShortRefusalOfMoreDoesNotCutALongOneOfLess() {
        allocator.addFramework(framework(ONE, A), true);
        allocator.addAgent(AGENT, box(4, 1024), List.of());
        all(allocator, 0);
        allocator.recover(ONE, A, AGENT, box(3, 768), OptionalLong.of(2 * SECOND), 0);
        allocator.recover(ONE, A, AGENT, box(1, 256), OptionalLong.of(9 * SECOND), 0);
        allocator.charge(TWO, B, AGENT, box(3, 768));
        assertThat(all(allocator, 2 * SECOND)).isEmpty();
        assertThat(all(allocator, 9 * SECOND - 1)).isEmpty();
        assertThat(all(allocator, 9 * SECOND))
                .containsExactly(new Offer(ONE, A, AGENT, box(1, 256)));
    }

    @Test
    void decliningForNoTimeMakesNoCircle() {
        allocator.addFramework(framework(ONE, A), true);
        allocator.addAgent(AGENT, box(4, 1024), List.of());
        all(allocator, 0);
        allocator.recover(ONE, A, AGENT, box(4, 1024), OptionalLong.of(0), 0);
        assertThat(all(allocator, 0)).isEmpty();
        assertThat(all(allocator, SECOND)).hasSize(1);
    }

    @Test
    void agentsWithGpusAreHiddenFromThoseWhoDoNotAskForThem() {
        Resources total = box(4, 1024).plus(Resources.scalar("gpus", 2));
        allocator.addFramework(framework(ONE, A), true);
        allocator.addAgent(AGENT, total, List.of());
        assertThat(all(allocator, 0)).isEmpty();
        allocator.updateFramework(new FrameworkSpec(ONE, Set.of(A), Set.of(), true, Map.of()));
        assertThat(all(allocator, 0)).containsExactly(new Offer(ONE, A, AGENT, total));
    }

    @Test
    void crumbsAreNotOfferedUnlessTheFrameworkTakesThem() {
        allocator.addFramework(framework(ONE, A), true);
        allocator.addAgent(AGENT, box(4, 1024), List.of(new Use(TWO, B, box(3.995, 1000))));
        assertThat(all(allocator, 0)).isEmpty();
        allocator.updateFramework(
                new FrameworkSpec(ONE, Set.of(A), Set.of(), false, Map.of(A, List.of())));
        assertThat(all(allocator, 0)).containsExactly(new Offer(ONE, A, AGENT, box(0.005, 24)));
    }

    @Test
    void reviveEndsRefusalsAndSuppressHoldsUntilThen() {
        allocator.addFramework(framework(ONE, A), true);
        allocator.addAgent(AGENT, box(4, 1024), List.of());
        all(allocator, 0);
        allocator.recover(ONE, A, AGENT, box(4, 1024), OptionalLong.of(Long.MAX_VALUE), 0);
        allocator.suppress(ONE, Set.of());
        assertThat(all(allocator, 400L * 24 * 3600 * SECOND)).isEmpty();
        allocator.revive(ONE, Set.of(A));
        assertThat(all(allocator, 400L * 24 * 3600 * SECOND)).hasSize(1);
    }

    @Test
    void givingBackTooMuchIsRefusedWithoutEffect() {
        allocator.addFramework(framework(ONE, A), true);
        allocator.addAgent(AGENT, box(4, 1024), List.of());
        all(allocator, 0);
        assertThatThrownBy(() ->
                        allocator.recover(ONE, A, AGENT, box(5, 1024), OptionalLong.empty(), 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "framework one has {cpus:4; mem:1024} as a on agent agent and cannot give back {cpus:5; mem:1024}");
        assertThatThrownBy(
                        () -> allocator.recover(TWO, A, AGENT, box(1, 0), OptionalLong.empty(), 0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(allocator.free(AGENT).isEmpty()).isTrue();
        allocator.recover(ONE, A, new AgentId("gone"), box(1, 0), OptionalLong.empty(), 0);
        assertThatThrownBy(() -> allocator.updateWeights(Map.of(A, 2.0, B, 0.0)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'b'");
        assertThat(allocator.roles()).extracting(RoleQuantities::weight).containsExactly(1.0);
    }

    @Test
    void anAgentThatShrinksBelowItsUseOffersNothing() {
        allocator.addFramework(framework(ONE, A), true);
        allocator.addAgent(AGENT, box(4, 1024), List.of(new Use(TWO, B, box(3, 512))));
        allocator.updateAgent(AGENT, box(2, 256));
        assertThat(all(allocator, 0)).isEmpty();
        allocator.recover(TWO, B, AGENT, box(3, 512), OptionalLong.empty(), 0);
        assertThat(all(allocator, 0)).containsExactly(new Offer(ONE, A, AGENT, box(2, 256)));
    }

    @Test
    void theSameSeedGivesTheSameOffersAndTheOrderSpreadsAgents() {
        List<List<Offer>> runs = new ArrayList<>();
        for (long seed : new long[] {1, 1, 2}) {
            DrfAllocator run = new DrfAllocator(AllocatorOptions.defaults(seed));
            run.addFramework(framework(ONE, A), true);
            run.addFramework(framework(TWO, B), true);
            IntStream.range(0, 1000)
                    .forEach(i -> run.addAgent(new AgentId("agent" + i), box(4, 1024), List.of()));
            runs.add(all(run, 0));
        }
        assertThat(runs.get(0)).isEqualTo(runs.get(1)).isNotEqualTo(runs.get(2)).hasSize(1000);
        double mean =
                runs.get(0).stream()
                        .filter(offer -> offer.framework().equals(ONE))
                        .mapToInt(offer -> Integer.parseInt(offer.agent().value().substring(5)))
                        .average()
                        .orElseThrow();
        assertThat(mean).isBetween(450.0, 550.0);
    }

    @Test
    void anEventLooksAtItsOwnAgentOnlyHoweverManyThereAre() {
        allocator.addFramework(framework(ONE, A), true);
        allocator.addFramework(framework(TWO, B), true);
        agents(5_000);
        List<Offer> offers = all(allocator, 0);
        for (Offer offer : offers) {
            allocator.recover(
                    offer.framework(),
                    offer.role(),
                    offer.agent(),
                    offer.resources(),
                    OptionalLong.of(60 * SECOND),
                    0);
        }
        for (Offer offer : all(allocator, 0)) {
            allocator.recover(
                    offer.framework(),
                    offer.role(),
                    offer.agent(),
                    offer.resources(),
                    OptionalLong.of(60 * SECOND),
                    0);
        }
        assertThat(all(allocator, 0)).isEmpty();
        assertThat(allocator.poll((_, _, _, _) -> {}, Integer.MAX_VALUE, SECOND)).isZero();
        allocator.addAgent(AGENT, box(4, 1024), List.of());
        assertThat(allocator.poll((_, _, _, _) -> {}, Integer.MAX_VALUE, SECOND)).isEqualTo(1);
    }

    @Test
    void theHandlerMayCallBack() {
        allocator.addFramework(framework(ONE, A), true);
        agents(10);
        List<AgentId> offered = new ArrayList<>();
        OfferHandler closesTheFramework =
                (framework, role, agent, resources) -> {
                    offered.add(agent);
                    allocator.recover(framework, role, agent, resources, OptionalLong.empty(), 0);
                    allocator.removeFramework(framework);
                };
        assertThat(allocator.poll(closesTheFramework, 100, 0)).isEqualTo(11);
        assertThat(offered).hasSize(1);
        assertThat(allocator.roles()).isEmpty();
    }
}
