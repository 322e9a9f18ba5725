package dev.berth.containerizer.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.isolator.ContainerConfig.DeviceRule;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchContribution;
import dev.berth.isolator.LaunchOp;
import dev.berth.isolator.LaunchPlan;
import dev.berth.isolator.Namespace;
import dev.berth.isolator.Phase;
import dev.berth.isolator.Slot;

import org.junit.jupiter.api.Test;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

class LaunchPlannerTest {
    private static final LaunchContribution HOSTNAME =
            LaunchContribution.builder()
                    .namespace(Namespace.UTS)
                    .op(new LaunchOp.SetHostname("a name", "x"))
                    .build();
    private static final LaunchContribution ROOT =
            LaunchContribution.builder()
                    .namespace(Namespace.MOUNT)
                    .slot(Slot.ROOT)
                    .op(new LaunchOp.PivotRoot("leave", false))
                    .op(new LaunchOp.EnterRoot("enter", List.of()))
                    .env("A", "1")
                    .deviceRule(rule(1))
                    .build();
    private static final LaunchContribution AFFINITY =
            LaunchContribution.builder()
                    .op(new LaunchOp.ResetAffinity("all"))
                    .deviceRule(rule(2))
                    .build();

    private static DeviceRule rule(int major) {
        return new DeviceRule(true, 'c', OptionalInt.of(major), OptionalInt.empty(), "r");
    }

    private static LaunchPlan merge(Object... namesAndContributions) throws Exception {
        Map<String, LaunchContribution> all = new LinkedHashMap<>();
        for (int i = 0; i < namesAndContributions.length; i += 2) {
            all.put(
                    (String) namesAndContributions[i],
                    (LaunchContribution) namesAndContributions[i + 1]);
        }
        return LaunchPlanner.merge("id", false, all);
    }

    private static void refused(String message, LaunchContribution a, LaunchContribution b) {
        assertThatThrownBy(() -> merge("one", a, "two", b))
                .isInstanceOf(IsolatorException.class)
                .hasMessage(message);
    }

    @Test
    void ordersByPhaseThenByIsolator() throws Exception {
        LaunchPlan plan = merge("names", HOSTNAME, "root", ROOT, "affinity", AFFINITY);
        assertThat(plan.ops())
                .extracting(o -> o.op().phase())
                .containsExactly(Phase.ROOTFS, Phase.HOSTNAME, Phase.PIVOT, Phase.SCHEDULING);
        assertThat(plan.ops())
                .extracting(LaunchPlan.OwnedOp::isolator)
                .containsExactly("root", "names", "root", "affinity");
        assertThat(plan.deviceRules()).containsExactly(rule(1), rule(2));
        assertThat(plan.env()).containsExactly(Map.entry("A", "1"));
        assertThat(plan.namespaces()).containsExactlyInAnyOrder(Namespace.UTS, Namespace.MOUNT);
        assertThat(plan.slots()).containsExactly(Slot.ROOT);
    }

    @Test
    void mergingIsAssociative() throws Exception {
        LaunchPlanner.Partial a = LaunchPlanner.of("a", HOSTNAME);
        LaunchPlanner.Partial b = LaunchPlanner.of("b", ROOT);
        LaunchPlanner.Partial c = LaunchPlanner.of("c", AFFINITY);
        assertThat(a.and(b).and(c)).isEqualTo(a.and(b.and(c)));
        assertThat(LaunchPlanner.Partial.NONE.and(a)).isEqualTo(a);
        assertThat(a.and(LaunchPlanner.Partial.NONE)).isEqualTo(a);
    }

    @Test
    void refusesTwoOwnersNamingBoth() {
        refused("hostname is asked for by both one and two", HOSTNAME, HOSTNAME);
        refused(
                "slot NETNS is asked for by both one and two",
                LaunchContribution.builder().slot(Slot.NETNS).build(),
                LaunchContribution.builder().slot(Slot.NETNS).build());
        refused(
                "environment variable X is asked for by both one and two",
                LaunchContribution.builder().env("X", "1").build(),
                LaunchContribution.builder().env("X", "2").build());
        refused(
                "rlimit RLIMIT_CORE is asked for by both one and two",
                LaunchContribution.builder().op(core()).build(),
                LaunchContribution.builder().op(core()).build());
    }

    @Test
    void refusesOneOwnerAskingTwice() {
        LaunchContribution twice = LaunchContribution.builder().op(core()).op(core()).build();
        assertThatThrownBy(() -> merge("one", twice))
                .hasMessage("rlimit RLIMIT_CORE is asked for twice by one");
    }

    private static LaunchOp core() {
        return new LaunchOp.SetRlimit("why", 4, "RLIMIT_CORE", 0, 0, true);
    }

    @Test
    void whatManyMayAskForIsKeptInOrder() throws Exception {
        LaunchPlan plan = merge("one", AFFINITY, "two", AFFINITY);
        assertThat(plan.ops()).hasSize(2);
    }
}
