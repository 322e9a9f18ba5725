package dev.berth.tests.root.escape;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.nio.file.Path;
import java.util.List;

/** Runs each attack against the defence and without it. */
@Tag("root")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class AttackTest {
    abstract List<Attack> attacks();

    @ParameterizedTest
    @MethodSource("attacks")
    void getsNothing(Attack attack, @TempDir Path directory) throws Exception {
        try (EscapeHost host = new EscapeHost(directory, Defence.NONE)) {
            assertThat(attack.attempt().on(host)).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("attacks")
    void succeedsWithoutTheDefence(Attack attack, @TempDir Path directory) throws Exception {
        try (EscapeHost host = new EscapeHost(directory, attack.defence())) {
            assertThat(attack.attempt().on(host)).isPresent();
        }
    }
}
