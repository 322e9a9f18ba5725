package dev.berth.tests.root.tasks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.linux.Linux;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.RLimitInfo;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.Volume;
import dev.berth.tests.kit.TestScheduler;
import dev.berth.tests.root.LeakCheck;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Launches that fail, each way many times at once: nothing of them is left. {@code -Dberth.failures=200} for a long run. */
@Tag("root")
@Timeout(300)
@ExtendWith(TaskCluster.Shared.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FailedLaunchesTest {
    private static final int TIMES = Integer.getInteger("berth.failures", 12);
    private static final double CPUS = 0.01;
    private static final double MEGABYTES = 4;
    private TaskCluster cluster;

    @BeforeAll
    void begin(TaskCluster shared) throws Exception {
        cluster = shared;
        // What the first task of an agent makes is there for all.
        cluster.run(cluster.inImage("first", "true"));
    }

    /** One way to fail. */
    private interface Way {
        TaskInfo.Builder task();
    }

    private TaskInfo.Builder small(TaskInfo.Builder task) {
        return task.clearResources()
                .addResources(TestScheduler.scalar("cpus", CPUS))
                .addResources(TestScheduler.scalar("mem", MEGABYTES));
    }

    private TaskInfo.Builder withVolume(String containerPath, String hostPath) {
        TaskInfo.Builder task = small(cluster.inImage("volume", "true"));
        task.getContainerBuilder()
                .addVolumesBuilder()
                .setMode(Volume.Mode.RW)
                .setContainerPath(containerPath)
                .setHostPath(hostPath);
        return task;
    }

    private TaskInfo.Builder withLimit() {
        TaskInfo.Builder task = small(cluster.inImage("limit", "true"));
        task.getContainerBuilder()
                .getRlimitInfoBuilder()
                .addRlimitsBuilder()
                .setType(RLimitInfo.RLimit.Type.RLMT_NOFILE)
                .setSoft(1L << 40)
                .setHard(1L << 40);
        return task;
    }

    private TaskInfo.Builder asNobody() {
        TaskInfo.Builder task = small(cluster.inImage("user", "true"));
        task.getCommandBuilder().setUser("not-in-passwd");
        return task;
    }

    private TaskInfo.Builder withoutImage() {
        return small(cluster.inImage("image", "true"))
                .setContainer(TaskCluster.image("localhost/Not A Name"));
    }

    @Test
    void nothingIsLeftOfThem() throws Exception {
        Set<String> before = there();
        long files = descriptors();
        long monitors = monitors();
        List<TaskInfo.Builder> all = new ArrayList<>();
        List<Way> ways =
                List.of(
                        this::withoutImage,
                        this::asNobody,
                        this::withLimit,
                        () -> withVolume("/mnt", "/not/there"),
                        () -> withVolume("/bin/busybox/x", "/usr"),
                        () -> small(cluster.exec("program", "/bin/not-there")),
                        () -> small(cluster.exec("program", "/etc/passwd")));
        for (Way way : ways) {
            List<TaskInfo.Builder> tasks = new ArrayList<>();
            for (int i = 0; i < TIMES; i++) {
                tasks.add(way.task());
            }
            launch(tasks);
            all.addAll(tasks);
        }
        for (TaskInfo.Builder task : all) {
            assertThat(cluster.end(task).getState())
                    .as(cluster.end(task).getMessage())
                    .isEqualTo(TaskState.TASK_FAILED);
        }
        killed();
        nothingMoreThan(before);
        assertThat(monitors()).isLessThanOrEqualTo(monitors);
        // Of loaded classes and threads that come and go, but not one for each.
        assertThat(descriptors()).isLessThan(files + 2 * TIMES);
    }

    /** At whichever step of its launch a kill finds it. */
    private void killed() throws Exception {
        List<TaskInfo.Builder> tasks = new ArrayList<>();
        for (int i = 0; i < TIMES; i++) {
            tasks.add(small(cluster.inImage("killed", "sleep 100")));
        }
        launch(tasks);
        for (TaskInfo.Builder task : tasks) {
            cluster.kill(task, Optional.of(TaskCluster.grace(0)));
        }
        for (TaskInfo.Builder task : tasks) {
            assertThat(cluster.end(task).getState()).isEqualTo(TaskState.TASK_KILLED);
        }
    }

    @Test
    void devicesOfTasksThatDoNotStartAreGivenBack() throws Exception {
        for (int i = 0; i < Math.max(3, TIMES / 4); i++) {
            TaskInfo.Builder task =
                    small(cluster.exec("gpu", "/bin/not-there"))
                            .addResources(TestScheduler.scalar("gpus", 4));
            Offer offer =
                    cluster.scheduler.awaitWhole(
                            "all GPUs",
                            20,
                            each -> TestScheduler.amount(each, "gpus") >= 4 && holds(each, 1));
            cluster.scheduler.launch(offer, List.of(task)).accepted();
            assertThat(cluster.end(task).getState()).isEqualTo(TaskState.TASK_FAILED);
            assertThat(cluster.end(task).getMessage()).contains("not-there");
        }
    }

    private void launch(List<TaskInfo.Builder> tasks) throws Exception {
        Offer offer = cluster.scheduler.awaitWhole("cpus", 20, each -> holds(each, tasks.size()));
        cluster.scheduler.launch(offer, tasks).accepted();
    }

    /** One offer has not always all that is free. */
    private static boolean holds(Offer offer, int tasks) {
        return TestScheduler.amount(offer, "cpus") >= CPUS * tasks
                && TestScheduler.amount(offer, "mem") >= MEGABYTES * tasks;
    }

    private void nothingMoreThan(Set<String> before) throws Exception {
        check().awaitNone(what -> isOfALaunch(what) && !before.contains(what));
    }

    private Set<String> there() throws Exception {
        return check().census().keySet();
    }

    private LeakCheck check() throws Exception {
        return new LeakCheck(
                Linux.host(), cluster.directory.resolve("a"), cgroup(), Optional.empty(), Set.of());
    }

    /** The spawner's is below the agent's own part. */
    private Path cgroup() throws IOException {
        String name =
                Files.readString(Path.of("/proc", Long.toString(spawner()), "cgroup"))
                        .lines()
                        .filter(line -> line.startsWith("0::/"))
                        .findFirst()
                        .orElseThrow()
                        .substring(4);
        for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
            if (line.contains(" - cgroup2 ")) {
                return Path.of(line.split(" ")[4]).resolve(Path.of(name).getName(0));
            }
        }
        throw new AssertionError("no cgroup2 mount");
    }

    private long spawner() {
        return ProcessHandle.of(cluster.agent.pid())
                .orElseThrow()
                .children()
                .findFirst()
                .orElseThrow()
                .pid();
    }

    /** Sandboxes stay until they are old; journals are one file each. */
    private static boolean isOfALaunch(String what) {
        return what.startsWith("cgroup c/")
                || what.startsWith("mount of the host")
                || what.startsWith("file exec/")
                || (what.startsWith("file data/")
                        && !what.startsWith("file data/sandboxes")
                        && !what.startsWith("file data/agent/tasks/ended"));
    }

    private long descriptors() throws IOException {
        try (Stream<Path> all =
                Files.list(Path.of("/proc", Long.toString(cluster.agent.pid()), "fd"))) {
            return all.count();
        }
    }

    private long monitors() {
        return ProcessHandle.of(cluster.agent.pid()).stream()
                .flatMap(ProcessHandle::children)
                .flatMap(ProcessHandle::children)
                .count();
    }
}
