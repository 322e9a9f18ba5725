package dev.berth.agent.tasks;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** The link to an executor's last run is made by each task of a group, by several threads at once. */
@Timeout(30)
class LatestRunTest {
    @Test
    void tasksOfOneGroupDoNotDisturbEachOther(@TempDir Path runs) throws Exception {
        Path run = Files.createDirectory(runs.resolve("run"));
        Queue<Throwable> failed = new ConcurrentLinkedQueue<>();
        List<Thread> tasks = new ArrayList<>();
        for (int task = 0; task < 4; task++) {
            String name = "task-" + task;
            tasks.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    for (int i = 0; i < 500; i++) {
                                        TaskOutput.latest(run, name);
                                    }
                                } catch (IOException e) {
                                    failed.add(e);
                                }
                            }));
        }
        for (Thread task : tasks) {
            task.join();
        }
        assertThat(failed).isEmpty();
        assertThat(Files.readSymbolicLink(runs.resolve("latest"))).hasToString("run");
        assertThat(runs.toFile().list()).containsExactlyInAnyOrder("run", "latest");
    }
}
