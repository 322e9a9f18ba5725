package dev.berth.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TimelineTest {
    @Test
    void momentsAreToldSinceTheFirstAndSinceTheOneBefore() {
        Timeline timeline = new Timeline();
        timeline.mark("submitted", 5_000_000);
        timeline.mark("offered", 6_500_000);
        timeline.mark("offered", 9_000_000);
        assertThat(timeline.nsUntil("offered")).hasValue(1_500_000);
        assertThat(timeline.nsUntil("accepted")).isEmpty();
        assertThat(timeline.moments()).hasSize(3);
        assertThat(timeline.toString().lines())
                .containsExactly(
                        "       0.0 ms  +0.0 ms  submitted",
                        "       1.5 ms  +1.5 ms  offered",
                        "       4.0 ms  +2.5 ms  offered");
    }
}
