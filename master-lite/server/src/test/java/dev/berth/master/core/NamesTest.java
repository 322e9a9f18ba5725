package dev.berth.master.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.master.scheduler.Names;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ids that others choose (facts A12). */
class NamesTest {
    @ParameterizedTest
    @ValueSource(strings = {"a", "...", "a.b", "a b", "ä", "-", "*"})
    void theseAreIds(String id) {
        assertThat(Names.id(id)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "a/b", "/", "a\\b", "a\u0000", "\n", "\u007f", "\u0085"})
    void theseAreNot(String id) {
        assertThat(Names.id(id)).isPresent();
    }

    @Test
    void anIdHasAtMost255Characters() {
        assertThat(Names.id("x".repeat(255))).isEmpty();
        assertThat(Names.id("x".repeat(256))).isPresent();
    }
}
