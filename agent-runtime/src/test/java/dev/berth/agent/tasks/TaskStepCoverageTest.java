package dev.berth.agent.tasks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.containerizer.StepCoverage;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.Set;
import java.util.stream.Stream;

/** A step of a task without a crash point fails the build: what the journal notes, what is asked of the containers, what the master is sent, and what of it is on the disk. */
final class TaskStepCoverageTest {
    private static final StepCoverage COVERAGE =
            new StepCoverage(
                    TaskStepCoverageTest.class,
                    Set.of("TaskSteps.reached", "TaskRun.reached"),
                    Set.of(
                            "TaskJournal.keepAgentId",
                            "TaskJournal.forgetAgentId",
                            "TaskJournal.framework",
                            "TaskJournal.over",
                            "TaskJournal.launched",
                            "TaskJournal.updated",
                            "TaskJournal.acknowledged",
                            "TaskJournal.killAsked",
                            "TaskJournal.dropped",
                            "ConductorProxy.create",
                            "ConductorProxy.start",
                            "ConductorProxy.kill",
                            "ConductorProxy.remove",
                            "MasterSide.send"),
                    (_, _) -> false);

    static Stream<String> classes() {
        return Stream.of(
                "TaskBoard", "TaskRun", "TaskUpdates", "TaskGroups", "TaskRecovery", "Termination");
    }

    @ParameterizedTest
    @MethodSource("classes")
    void everyStepHasACrashPoint(String name) {
        assertThat(COVERAGE.bareSteps(name)).as("steps without a crash point after them").isEmpty();
    }

    @Test
    void theTestSeesTheStepsItKnows() {
        assertThat(COVERAGE.seen(classes()))
                .containsExactlyInAnyOrderElementsOf(COVERAGE.effects());
    }
}
