package dev.berth.containerizer.image.registry;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;

class ChallengeTest {
    @Test
    void severalChallengesInOneHeaderAreTold() {
        List<Challenge> found =
                Challenge.parse(
                        List.of(
                                "Negotiate, Bearer realm=\"https://a/t\",service=s,scope=\"a:b,c\", Basic realm=\"x\"",
                                "Digest"));
        assertThat(found)
                .containsExactly(
                        new Challenge("negotiate", Map.of()),
                        new Challenge(
                                "bearer",
                                Map.of(
                                        "realm", "https://a/t",
                                        "service", "s",
                                        "scope", "a:b,c")),
                        new Challenge("basic", Map.of("realm", "x")),
                        new Challenge("digest", Map.of()));
    }

    @Test
    void whatCannotBeReadIsNoError() {
        assertThat(Challenge.parse(List.of("", ",", "=", "Bearer realm=\"never ends")))
                .extracting(Challenge::scheme)
                .contains("bearer");
    }
}
