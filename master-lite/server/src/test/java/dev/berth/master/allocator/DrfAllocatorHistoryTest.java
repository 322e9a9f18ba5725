package dev.berth.master.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class DrfAllocatorHistoryTest {
    @Test
    void agreesWithTheNaiveRulesOnRandomHistories() {
        long seed = System.nanoTime();
        int offers = 0;
        for (int i = 0; i < 300; i++) {
            AllocatorOptions options = History.options(seed + i);
            History history = new History(seed + i, options, new DrfAllocator(options));
            history.live(250);
            offers += history.offers;
        }
        assertThat(offers).as("seed %d", seed).isGreaterThan(10_000);
    }
}
