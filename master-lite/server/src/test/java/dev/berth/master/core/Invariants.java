package dev.berth.master.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.master.cluster.Agent;
import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.Framework;
import dev.berth.master.cluster.OpenOffer;
import dev.berth.master.cluster.Task;
import dev.berth.master.resources.Resources;
import dev.berth.protocol.TaskStates;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What holds in every state of a cluster. */
final class Invariants {
    private Invariants() {}

    static void check(World world) {
        Cluster cluster = world.core.cluster();
        tasks(cluster);
        offers(cluster);
        for (Agent agent : cluster.agents()) {
            Resources used = agent.used();
            Resources offered = agent.offered();
            Resources free = cluster.allocator().free(agent.id());
            Resources sum = used.plus(offered).plus(free);
            // An agent that has shrunk below what runs there has nothing free.
            if (agent.total().contains(used.plus(offered))) {
                assertThat(sum).as("of %s", agent.id()).isEqualTo(agent.total());
                assertThat(amounts(used) + amounts(offered) + amounts(free))
                        .as("nothing is twice on %s", agent.id())
                        .isEqualTo(amounts(agent.total()));
            }
            assertThat(cluster.recovered()).doesNotContainKey(agent.id());
            assertThat(cluster.unreachable()).doesNotContainKey(agent.id());
            assertThat(cluster.gone()).doesNotContainKey(agent.id());
        }
    }

    /** Ports one by one, so that a port in two hands shows. */
    private static long amounts(Resources resources) {
        long sum = 0;
        for (var entry : resources.entries()) {
            if (entry instanceof dev.berth.master.resources.Resource.Numbers numbers) {
                sum += numbers.ranges().count();
            }
        }
        return sum;
    }

    private static void tasks(Cluster cluster) {
        Map<Task, String> places = new IdentityHashMap<>();
        List<Framework> all = new ArrayList<>(cluster.frameworks());
        all.addAll(cluster.completedFrameworks());
        Set<Task> onAgents = new HashSet<>();
        for (Agent agent : cluster.agents()) {
            for (Task task : agent.tasks().values()) {
                assertThat(onAgents.add(task)).isTrue();
                assertThat(cluster.framework(task.framework()).orElseThrow().live().get(task.id()))
                        .as("task %s of %s", task.id(), agent.id())
                        .isSameAs(task);
                assertThat(task.isHolding()).isEqualTo(!TaskStates.isTerminal(task.state()));
            }
        }
        for (Framework framework : all) {
            for (Task task : framework.live().values()) {
                assertThat(places.put(task, "live")).isNull();
                assertThat(onAgents).as("live task %s", task.id()).contains(task);
            }
            for (Task task : framework.unreachable().values()) {
                assertThat(places.put(task, "unreachable")).isNull();
                assertThat(task.isHolding()).isFalse();
            }
            for (Task task : framework.completed()) {
                assertThat(places.put(task, "completed")).isNull();
                assertThat(task.isHolding()).isFalse();
            }
        }
        assertThat(places.keySet()).containsAll(onAgents);
        for (Framework framework : cluster.completedFrameworks()) {
            assertThat(framework.live()).isEmpty();
            assertThat(framework.unreachable()).isEmpty();
            assertThat(framework.offers()).isEmpty();
        }
    }

    private static void offers(Cluster cluster) {
        for (OpenOffer offer : cluster.offers().open()) {
            assertThat(cluster.framework(offer.framework()).orElseThrow().offers()).contains(offer);
            assertThat(cluster.framework(offer.framework()).orElseThrow().isConnected()).isTrue();
            assertThat(cluster.agent(offer.agent()).orElseThrow().offers()).contains(offer);
            assertThat(cluster.agent(offer.agent()).orElseThrow().isActive()).isTrue();
        }
        int ofFrameworks = cluster.frameworks().stream().mapToInt(f -> f.offers().size()).sum();
        int ofAgents = cluster.agents().stream().mapToInt(a -> a.offers().size()).sum();
        assertThat(ofFrameworks).isEqualTo(cluster.offers().open().size());
        assertThat(ofAgents).isEqualTo(cluster.offers().open().size());
    }
}
