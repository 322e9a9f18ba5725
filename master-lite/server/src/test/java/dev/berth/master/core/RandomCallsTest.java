package dev.berth.master.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.master.cluster.Count;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.EnumMap;
import java.util.Map;

/** Random calls, messages, breaks and waits, some of them nonsense: nothing throws, and what must hold always holds. */
class RandomCallsTest {
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void nothingThrowsAndEverythingHasOnePlace(long seed) {
        new RandomHistory(seed).run();
    }

    @Test
    void historiesReachWhatTheyAreFor() {
        Map<Count, Long> all = new EnumMap<>(Count.class);
        for (long seed = 100; seed < 112; seed++) {
            RandomHistory history = new RandomHistory(seed);
            history.run();
            history.counts().forEach((count, n) -> all.merge(count, n, Long::sum));
        }
        for (Count count : Count.values()) {
            if (count != Count.MESSAGES_TO_EXECUTORS && count != Count.MESSAGES_TO_FRAMEWORKS) {
                assertThat(all.getOrDefault(count, 0L)).as(count.name()).isPositive();
            }
        }
        assertThat(all.get(Count.VALID_UPDATES)).isGreaterThan(200);
        assertThat(all.get(Count.TASKS_KILLED)).isGreaterThan(20);
    }
}
