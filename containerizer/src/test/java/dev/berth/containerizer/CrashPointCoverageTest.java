package dev.berth.containerizer;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** A step of a launch or an end without a crash point fails the build, see {@link StepCoverage}. */
final class CrashPointCoverageTest {
    private static final String REACHED = "CrashPoints.reached";

    /** For a further process nothing new is made in the run directory: it is only opened, and closed with the agent. */
    private static final StepCoverage COVERAGE =
            new StepCoverage(
                    CrashPointCoverageTest.class,
                    Set.of(REACHED),
                    Set.of(
                            "Context.note",
                            "RunDirectories.makeRun",
                            "RunDirectories.removeRun",
                            "Roots.mount",
                            "Roots.release",
                            "Isolator.acquire",
                            "Isolator.cleanup",
                            "SpawnerClient.launch"),
                    (first, second) ->
                            first.equals("RunDirectories.makeRun")
                                    && second.equals("Isolator.acquire"));

    @ParameterizedTest
    @ValueSource(strings = {"Launches", "Endings"})
    void everyStepHasACrashPoint(String name) {
        assertThat(COVERAGE.bareSteps(name)).as("steps without a crash point after them").isEmpty();
    }

    @Test
    void theTestSeesTheStepsItKnows() {
        assertThat(COVERAGE.seen(Stream.of("Launches", "Endings")))
                .containsExactlyInAnyOrderElementsOf(COVERAGE.effects());
    }

    @Test
    void aStepWithoutACrashPointIsFound() {
        assertThat(COVERAGE.bareSteps("m", List.of("Context.note", "Roots.mount", REACHED)))
                .containsExactly("m: Context.note");
        assertThat(COVERAGE.bareSteps("m", List.of("Context.note", REACHED, "Roots.mount")))
                .containsExactly("m: Roots.mount");
        assertThat(
                        COVERAGE.bareSteps(
                                "m",
                                List.of(
                                        "RunDirectories.makeRun",
                                        "RunDirectories.removeRun",
                                        REACHED)))
                .isEmpty();
    }
}
