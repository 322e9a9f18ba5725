package dev.berth.gpu.proc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.gpu.DeviceEvent;
import dev.berth.gpu.DeviceEvent.SourceChanged;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

final class DeadlineLaneTest {
    private static final long LONG = TimeUnit.SECONDS.toNanos(20);

    private final Semaphore wakes = new Semaphore(0);
    private final EventQueue events = new EventQueue();
    private final List<String> answers = new ArrayList<>();

    private void await(int count) throws InterruptedException {
        while (answers.size() < count) {
            if (events.poll(this::note, 1) == 0) {
                assertThat(wakes.tryAcquire(20, TimeUnit.SECONDS))
                        .as("an answer after " + answers)
                        .isTrue();
            }
        }
    }

    private void note(DeviceEvent event) {
        answers.add(((SourceChanged) event).reason());
    }

    private static SourceChanged say(String text) {
        return new SourceChanged(true, text);
    }

    @Test
    void whatHangsIsLeftBehindAndTheNextGoesOn() throws Exception {
        CountDownLatch driver = new CountDownLatch(1);
        events.onNews(wakes::release);
        try (DeadlineLane lane = new DeadlineLane("berth-test", events)) {
            for (int i = 0; i < DeadlineLane.MOST_STUCK; i++) {
                lane.submit(
                        "hang",
                        1_000_000,
                        () -> {
                            awaitQuietly(driver);
                            return say("too late");
                        },
                        DeadlineLaneTest::say);
                if (i == 0) {
                    lane.submit("quick", LONG, () -> say("quick"), DeadlineLaneTest::say);
                }
            }
            await(3);
            assertThat(answers)
                    .containsExactly(
                            "hang did not end within 1 ms",
                            "quick",
                            "hang did not end within 1 ms");
            lane.submit("more", LONG, () -> say("more"), DeadlineLaneTest::say);
            await(4);
            assertThat(answers.getLast()).isEqualTo("2 earlier operations hang in the driver");
            driver.countDown();
            while (!answers.getLast().equals("again")) {
                lane.submit("again", LONG, () -> say("again"), DeadlineLaneTest::say);
                await(answers.size() + 1);
            }
            assertThat(answers).doesNotContain("too late");
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aMistakeInTheWorkIsAnAnswerToo() throws Exception {
        events.onNews(wakes::release);
        try (DeadlineLane lane = new DeadlineLane("berth-test", events)) {
            lane.submit(
                    "work",
                    LONG,
                    () -> {
                        throw new IllegalStateException("oops");
                    },
                    DeadlineLaneTest::say);
            await(1);
            assertThat(answers.getFirst()).contains("oops");
        }
    }

    @Test
    void afterCloseNothingIsDoneAndNothingIsSaid() {
        DeadlineLane lane = new DeadlineLane("berth-test", events);
        lane.close();
        lane.close();
        lane.submit("work", LONG, () -> say("work"), DeadlineLaneTest::say);
        assertThat(events.poll(this::note, 1)).isZero();
    }
}
