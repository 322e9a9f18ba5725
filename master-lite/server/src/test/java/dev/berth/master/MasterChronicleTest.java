package dev.berth.master;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

class MasterChronicleTest {
    private final AtomicLong now = new AtomicLong(7);
    private final List<String> lines = new ArrayList<>();
    private final MasterChronicle chronicle =
            new MasterChronicle(now::get, lines::add, line -> lines.add("! " + line));

    @Test
    void noMoreIsWrittenThanSomebodyReads() {
        for (int i = 0; i < 5000; i++) {
            chronicle.note("agent " + i);
        }
        assertThat(lines).hasSize(100);
        now.addAndGet(TimeUnit.SECONDS.toNanos(10));
        chronicle.note("the next");
        assertThat(lines.subList(100, 102))
                .containsExactly(
                        "4900 further lines about agents and frameworks were left out", "the next");
    }

    @Test
    void theSameWarningComesAgainAfterAWhileOnly() {
        chronicle.warn("a");
        now.addAndGet(TimeUnit.SECONDS.toNanos(30));
        chronicle.warn("a");
        chronicle.warn("b");
        assertThat(lines).containsExactly("! a", "! b");
        now.addAndGet(TimeUnit.MINUTES.toNanos(10));
        chronicle.warn("a");
        assertThat(lines).containsExactly("! a", "! b", "! a");
    }

    @Test
    void aNameOfAClientsChoiceWritesNoLineOfItsOwn() {
        chronicle.note("framework 'a\nERROR \u001b[31m\u2028x'");
        assertThat(lines).containsExactly("framework 'a?ERROR ?[31m?x'");
        chronicle.note("x".repeat(5000));
        assertThat(lines.getLast().length()).isLessThan(1100);
    }
}
