package dev.berth.master.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.FrameworkId;
import dev.berth.master.resources.Resources;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/** Histories must find every allocator that breaks one rule; otherwise that they find nothing in ours says little. */
class BrokenAllocatorTest {
    private static final long SECOND = 1_000_000_000L;

    enum Fault {
        FORGETS_REFUSALS("recover", arguments -> arguments[4] = OptionalLong.empty()),
        REFUSES_NOTHING_SHORT(
                "recover", arguments -> arguments[4] = longer((OptionalLong) arguments[4])),
        REFUSES_AT_THE_WRONG_TIME("recover", arguments -> arguments[5] = (long) arguments[5] - 1),
        FORGETS_SUPPRESS("suppress"),
        SUPPRESSES_ALL_ROLES("suppress", arguments -> arguments[1] = Set.of()),
        FORGETS_REVIVE("revive"),
        REVIVES_ALL_ROLES("revive", arguments -> arguments[1] = Set.of()),
        FORGETS_WEIGHTS("updateWeights"),
        FORGETS_CHARGES("charge"),
        CHARGES_ANOTHER_ROLE("charge", arguments -> arguments[1] = Role.DEFAULT),
        FORGETS_NEW_TOTALS("updateAgent"),
        FORGETS_WHAT_RUNS("addAgent", arguments -> arguments[2] = List.of()),
        KEEPS_AGENTS("removeAgent"),
        OFFERS_INACTIVE_AGENTS("deactivateAgent"),
        NEVER_OFFERS_AGAIN("activateAgent"),
        KEEPS_FRAMEWORKS("removeFramework"),
        OFFERS_TO_THE_INACTIVE("deactivateFramework"),
        FORGETS_ACTIVATION("activateFramework"),
        FORGETS_CHANGES_OF_FRAMEWORKS("updateFramework"),
        SHOWS_GPUS_TO_ALL(
                "addFramework", arguments -> arguments[0] = gpus((FrameworkSpec) arguments[0])),
        FORGETS_MINIMUMS(
                "addFramework", arguments -> arguments[0] = anything((FrameworkSpec) arguments[0])),
        FORGETS_SUPPRESSED_FROM_THE_START(
                "addFramework", arguments -> arguments[0] = loud((FrameworkSpec) arguments[0])),
        OVERRUNS_ITS_LIMIT("poll", arguments -> arguments[1] = (int) arguments[1] + 1),
        HAS_A_CLOCK_THAT_IS_SLOW("poll", arguments -> arguments[2] = (long) arguments[2] - 1),
        HAS_A_CLOCK_THAT_IS_FAST("poll", arguments -> arguments[2] = (long) arguments[2] + 1),
        OFFERS_A_PART("poll", arguments -> arguments[0] = half((OfferHandler) arguments[0])),
        OFFERS_IN_ANOTHER_ROLE(
                "poll", arguments -> arguments[0] = asDefault((OfferHandler) arguments[0])),
        SAYS_TOO_EARLY_THAT_IT_IS_DONE(looked -> (int) looked == 1 ? 0 : looked, "poll"),
        WAKES_TOO_LATE(
                due -> (long) due == Long.MAX_VALUE ? due : (Object) ((long) due + 1), "dueNs"),
        SLEEPS_FOR_EVER(_ -> Long.MAX_VALUE, "dueNs"),
        SPINS(_ -> Long.MIN_VALUE, "dueNs"),
        COUNTS_OTHER_RESOURCES(options ->
                new AllocatorOptions(
                        options.minimums(),
                        Set.of("cpus"),
                        options.hideGpus(),
                        options.minRefuseNs(),
                        0)),
        HAS_OTHER_MINIMUMS(options ->
                new AllocatorOptions(
                        List.of(Resources.scalar("cpus", 2)),
                        options.excluded(),
                        options.hideGpus(),
                        options.minRefuseNs(),
                        0)),
        IS_DECEIVED_ABOUT_GPUS(options ->
                new AllocatorOptions(
                        options.minimums(),
                        options.excluded(),
                        !options.hideGpus(),
                        options.minRefuseNs(),
                        0)),
        ALLOWS_CIRCLES(options ->
                new AllocatorOptions(
                        options.minimums(), options.excluded(), options.hideGpus(), 0, 0));

        private final String method;
        private final boolean dropped;
        private final Consumer<Object[]> onArguments;
        private final UnaryOperator<Object> onAnswer;
        private final UnaryOperator<AllocatorOptions> onOptions;

        Fault(String method) {
            this(method, true, _ -> {}, answer -> answer, options -> options);
        }

        Fault(String method, Consumer<Object[]> onArguments) {
            this(method, false, onArguments, answer -> answer, options -> options);
        }

        Fault(UnaryOperator<Object> onAnswer, String method) {
            this(method, false, _ -> {}, onAnswer, options -> options);
        }

        Fault(UnaryOperator<AllocatorOptions> onOptions) {
            this("", false, _ -> {}, answer -> answer, onOptions);
        }

        Fault(
                String method,
                boolean dropped,
                Consumer<Object[]> onArguments,
                UnaryOperator<Object> onAnswer,
                UnaryOperator<AllocatorOptions> onOptions) {
            this.method = method;
            this.dropped = dropped;
            this.onArguments = onArguments;
            this.onAnswer = onAnswer;
            this.onOptions = onOptions;
        }

        Allocator in(AllocatorOptions options) {
            Allocator sound = new DrfAllocator(onOptions.apply(options));
            return (Allocator)
                    Proxy.newProxyInstance(
                            Allocator.class.getClassLoader(),
                            new Class<?>[] {Allocator.class},
                            (_, called, arguments) -> {
                                boolean here = called.getName().equals(method);
                                if (here && dropped) {
                                    return null;
                                }
                                if (here) {
                                    onArguments.accept(arguments);
                                }
                                try {
                                    Object answer = called.invoke(sound, arguments);
                                    return here ? onAnswer.apply(answer) : answer;
                                } catch (InvocationTargetException e) {
                                    throw e.getCause();
                                }
                            });
        }
    }

    private static OptionalLong longer(OptionalLong refuse) {
        return refuse.isPresent()
                ? OptionalLong.of(Math.max(refuse.getAsLong(), 5 * SECOND))
                : refuse;
    }

    private static FrameworkSpec gpus(FrameworkSpec spec) {
        return new FrameworkSpec(spec.id(), spec.roles(), spec.suppressed(), true, spec.minimums());
    }

    private static FrameworkSpec anything(FrameworkSpec spec) {
        return new FrameworkSpec(
                spec.id(), spec.roles(), spec.suppressed(), spec.gpuResources(), Map.of());
    }

    private static FrameworkSpec loud(FrameworkSpec spec) {
        return new FrameworkSpec(
                spec.id(), spec.roles(), Set.of(), spec.gpuResources(), spec.minimums());
    }

    private static OfferHandler half(OfferHandler handler) {
        return (FrameworkId framework, Role role, AgentId agent, Resources resources) ->
                handler.onOffer(
                        framework, role, agent, resources.without(Resources.scalar("cpus", 1)));
    }

    private static OfferHandler asDefault(OfferHandler handler) {
        return (framework, _, agent, resources) ->
                handler.onOffer(framework, Role.DEFAULT, agent, resources);
    }

    @ParameterizedTest
    @EnumSource
    void isFoundByAHistory(Fault fault) {
        long seed = System.nanoTime();
        int found = 0;
        for (int i = 0; i < 60 && found == 0; i++) {
            AllocatorOptions options = History.options(seed + i);
            try {
                new History(seed + i, options, fault.in(options)).live(250);
            } catch (AssertionError | IllegalArgumentException e) {
                found++;
            }
        }
        assertThat(found).as("%s, 60 histories from seed %d", fault, seed).isPositive();
    }
}
