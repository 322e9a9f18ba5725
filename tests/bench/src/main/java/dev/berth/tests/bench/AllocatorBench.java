package dev.berth.tests.bench;

import dev.berth.master.allocator.Allocator;
import dev.berth.master.allocator.AllocatorOptions;
import dev.berth.master.allocator.DrfAllocator;
import dev.berth.master.allocator.FrameworkSpec;
import dev.berth.master.allocator.OfferHandler;
import dev.berth.master.allocator.Role;
import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.FrameworkId;
import dev.berth.master.resources.Ranges;
import dev.berth.master.resources.Resources;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;

/**
 * What the allocator costs on one thread, called by hand: full passes over all agents and single events, in microseconds. Agents have cpus, mem, disk and ports; frameworks stand in ten roles on two levels with weights.
 */
public final class AllocatorBench {
    private static final long SECOND = 1_000_000_000L;
    private static final Resources TASK =
            Resources.scalar("cpus", 1).plus(Resources.scalar("mem", 512));
    private static final PrintStream OUT =
            new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private record Offer(FrameworkId framework, Role role, AgentId agent, Resources resources) {}

    private final Allocator allocator = new DrfAllocator(AllocatorOptions.defaults(1));
    private final List<Offer> offers = new ArrayList<>();
    private final OfferHandler handler =
            (framework, role, agent, resources) ->
                    offers.add(new Offer(framework, role, agent, resources));
    private final Random random = new Random(1);
    private final int agents;
    private final int frameworks;
    private long nowNs;

    private AllocatorBench(int agents, int frameworks) {
        this.agents = agents;
        this.frameworks = frameworks;
    }

    /** Arguments: {@code AGENTS FRAMEWORKS ROUNDS EVENTS}. */
    public static void main(String[] args) {
        AllocatorBench bench =
                new AllocatorBench(Integer.parseInt(args[0]), Integer.parseInt(args[1]));
        OUT.printf(
                Locale.ROOT,
                "%s agents, %s frameworks%n%-58s %9s %9s %9s %9s%n",
                args[0],
                args[1],
                "microseconds",
                "p10",
                "p50",
                "p99",
                "max");
        bench.run(Integer.parseInt(args[2]), Integer.parseInt(args[3]));
    }

    private void run(int rounds, int events) {
        for (int i = 0; i < frameworks; i++) {
            Role role = role(i);
            allocator.updateWeights(Map.of(role, 1.0 + i % 3));
            allocator.addFramework(
                    new FrameworkSpec(
                            new FrameworkId("framework-" + i),
                            Set.of(role),
                            Set.of(),
                            false,
                            Map.of()),
                    true);
        }
        long[] joins = new long[agents];
        for (int i = 0; i < agents; i++) {
            int number = i;
            joins[i] = timed(() -> allocator.addAgent(agent(number), total(), List.of()));
        }
        row("an agent joins and is offered", joins);
        long[] passes = new long[rounds];
        for (int i = 0; i < rounds; i++) {
            giveBack(OptionalLong.empty());
            passes[i] = timed(() -> {});
        }
        row("full pass: all agents free, each is offered to somebody", passes);
        events(events);
        everybodyRefuses(events);
    }

    private void events(int count) {
        long[] declines = new long[count];
        long[] ends = new long[count];
        for (int i = 0; i < count; i++) {
            Offer declined = take(random.nextInt(offers.size()));
            declines[i] =
                    timed(() -> recover(declined, declined.resources, OptionalLong.of(5 * SECOND)));
            Offer running = take(random.nextInt(offers.size()));
            ends[i] = timed(() -> recover(running, TASK, OptionalLong.empty()));
            Resources rest = running.resources.without(TASK);
            recover(running, rest, OptionalLong.empty());
            Offer end = offers.removeLast();
            recover(end, end.resources, OptionalLong.empty());
            poll();
            nowNs += SECOND / 1000;
        }
        row("an offer is declined for 5 s, the next framework gets it", declines);
        row("a task ends, its resources are offered", ends);
    }

    private void everybodyRefuses(int count) {
        long declined = 0;
        long startNs = System.nanoTime();
        while (!offers.isEmpty()) {
            declined += offers.size();
            giveBack(OptionalLong.of(3600 * SECOND));
            poll();
        }
        OUT.printf(
                Locale.ROOT,
                "%-58s %9.2f each, %d in all%n",
                "everybody declines every agent for an hour",
                (System.nanoTime() - startNs) / 1e3 / declined,
                declined);
        long[] idle = new long[Math.min(count, agents)];
        for (int i = 0; i < idle.length; i++) {
            AgentId agent = agent(i);
            idle[i] =
                    timed(() -> {
                        allocator.deactivateAgent(agent);
                        allocator.activateAgent(agent);
                    });
        }
        row("an agent is looked at that all frameworks refused", idle);
        long[] revives = new long[5];
        for (int i = 0; i < revives.length; i++) {
            FrameworkId framework = new FrameworkId("framework-" + i);
            revives[i] = timed(() -> allocator.revive(framework, Set.of()));
            giveBack(OptionalLong.of(3600 * SECOND));
            poll();
        }
        row("one framework revives and gets all agents", revives);
    }

    private static Role role(int framework) {
        int role = framework % 10;
        return new Role(role < 5 ? "role-" + role : "team-" + role % 2 + "/role-" + role);
    }

    private static AgentId agent(int number) {
        return new AgentId("0190a7f2-7d3c-7b1e-9d58-3f1c5f1b0000-S" + number);
    }

    private static Resources total() {
        return Resources.scalar("cpus", 32)
                .plus(Resources.scalar("mem", 131_072))
                .plus(Resources.scalar("disk", 1_000_000))
                .plus(Resources.numbers("ports", Ranges.of(31_000, 32_000)));
    }

    private void giveBack(OptionalLong refuseNs) {
        for (Offer offer : offers) {
            recover(offer, offer.resources, refuseNs);
        }
        offers.clear();
    }

    private void recover(Offer offer, Resources resources, OptionalLong refuseNs) {
        allocator.recover(offer.framework, offer.role, offer.agent, resources, refuseNs, nowNs);
    }

    private Offer take(int index) {
        Offer last = offers.removeLast();
        return index == offers.size() ? last : offers.set(index, last);
    }

    /** The event and all that it leads to. */
    private long timed(Runnable event) {
        long startNs = System.nanoTime();
        event.run();
        poll();
        return System.nanoTime() - startNs;
    }

    private void poll() {
        while (allocator.poll(handler, 1024, nowNs) > 0) {
            // until nothing is left to do
        }
    }

    private static void row(String name, long[] samples) {
        Percentiles sorted = Percentiles.of(samples);
        OUT.printf(
                Locale.ROOT,
                "%-58s %9.2f %9.2f %9.2f %9.2f   (%d)%n",
                name,
                sorted.at(10) / 1e3,
                sorted.at(50) / 1e3,
                sorted.at(99) / 1e3,
                sorted.at(100) / 1e3,
                samples.length);
    }
}
