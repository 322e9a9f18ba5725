package dev.berth.agent.tasks;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/** Times that a framework may name. */
class TaskTimesTest {
    @Test
    void aTimeWithoutEndIsNotOverAtOnce() {
        HandDrivenHost host = new HandDrivenHost();
        host.pass(1_000_000_000L);
        List<String> ran = new ArrayList<>();
        host.after(Long.MAX_VALUE, () -> ran.add("endless"));
        host.after(Long.MAX_VALUE - 1, () -> ran.add("almost"));
        host.after(5, () -> ran.add("five"));
        host.pass(3_600_000_000_000L);
        assertThat(ran).containsExactly("five");
    }
}
