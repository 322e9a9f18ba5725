package dev.berth.containerizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.LaunchPlan;
import dev.berth.isolator.ResourceLimits;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

final class RunStateTest {
    private static final LaunchPlan PLAN =
            new LaunchPlan("id", false, Set.of(), List.of(), List.of(), Map.of(), Set.of());
    private static final RunState.Init INIT = new RunState.Init(7, 8);
    private static final RunState.Outcome EXIT =
            new RunState.Outcome.Exit(new ExitStatus(256, false, 1, 2, 3));
    private static final RunState.Outcome.Failure FAILURE =
            new RunState.Outcome.Failure(127, "no such program");

    private static final Map<String, String> TABLE =
            Map.ofEntries(
                    Map.entry("Planning Planned", "Acquiring"),
                    Map.entry("Acquiring Sent", "Launching"),
                    Map.entry("Launching Started", "Running"),
                    Map.entry("Running Frozen", "Paused"),
                    Map.entry("Paused Thawed", "Running"),
                    Map.entry("Running Exited", "Ending"),
                    Map.entry("Paused Exited", "Ending"),
                    Map.entry("Planning Failed", "Ending"),
                    Map.entry("Acquiring Failed", "Ending"),
                    Map.entry("Launching Failed", "Ending"),
                    Map.entry("Ending Cleaned", "Ended"));

    record Pair(RunState state, RunState.Input input) {
        @Override
        public String toString() {
            return state.getClass().getSimpleName() + " " + input.getClass().getSimpleName();
        }
    }

    static List<Pair> pairs() {
        List<RunState> states =
                List.of(
                        new RunState.Planning(config()),
                        new RunState.Acquiring(PLAN),
                        new RunState.Launching(PLAN),
                        new RunState.Running(INIT),
                        new RunState.Paused(INIT),
                        new RunState.Ending(Optional.of(INIT), EXIT),
                        new RunState.Ended(Optional.of(INIT), EXIT));
        List<RunState.Input> inputs =
                List.of(
                        new RunState.Input.Planned(PLAN),
                        new RunState.Input.Sent(),
                        new RunState.Input.Started(INIT),
                        new RunState.Input.Frozen(),
                        new RunState.Input.Thawed(),
                        new RunState.Input.Failed(FAILURE),
                        new RunState.Input.Exited(new ExitStatus(256, false, 1, 2, 3)),
                        new RunState.Input.Cleaned());
        List<Pair> pairs = new ArrayList<>();
        for (RunState state : states) {
            for (RunState.Input input : inputs) {
                pairs.add(new Pair(state, input));
            }
        }
        return pairs;
    }

    @ParameterizedTest
    @MethodSource("pairs")
    void everyPairIsInTheTableOrRefusedByName(Pair pair) {
        String expected = TABLE.get(pair.toString());
        if (expected != null) {
            assertThat(RunState.next(pair.state, pair.input).getClass().getSimpleName())
                    .isEqualTo(expected);
        } else {
            assertThatThrownBy(() -> RunState.next(pair.state, pair.input))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining(pair.state.getClass().getSimpleName())
                    .hasMessageContaining(pair.input.getClass().getSimpleName());
        }
    }

    @Test
    void theListsAboveHoldEveryStateAndEveryInput() {
        assertThat(pairs().stream().map(p -> p.state.getClass()).distinct())
                .hasSize(RunState.class.getPermittedSubclasses().length);
        assertThat(pairs().stream().map(p -> p.input.getClass()).distinct())
                .hasSize(RunState.Input.class.getPermittedSubclasses().length);
    }

    @Test
    void dataIsHandedOn() {
        RunState ending =
                RunState.next(new RunState.Launching(PLAN), new RunState.Input.Failed(FAILURE));
        RunState ended = RunState.next(ending, new RunState.Input.Cleaned());
        assertThat(ended).isEqualTo(new RunState.Ended(Optional.empty(), FAILURE));
    }

    static ContainerConfig config() {
        return new ContainerConfig(
                new ContainerId("0".repeat(64)),
                new ContainerConfig.ProcessSpec(
                        List.of("/bin/true"),
                        List.of(),
                        "/",
                        0,
                        0,
                        List.of(),
                        OptionalInt.empty(),
                        List.of()),
                false,
                List.of(),
                new ContainerConfig.Namespaces(
                        ContainerConfig.Namespaces.NetworkMode.NONE,
                        Optional.empty(),
                        Optional.empty(),
                        false,
                        false,
                        false,
                        false),
                "",
                "",
                Map.of(),
                List.of(),
                List.of(),
                ResourceLimits.NONE,
                new ContainerConfig.Security(
                        false, Set.of(), Set.of(), "unconfined", false, List.of(), List.of()),
                OptionalInt.empty(),
                65536,
                false,
                false,
                false,
                0,
                0,
                Map.of(),
                List.of());
    }
}
