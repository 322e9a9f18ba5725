package dev.berth.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.MasterOptions;
import dev.berth.agent.config.SandboxRetention;
import dev.berth.agent.device.DeviceSetup;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.v1.Protos.ExecutorID;
import dev.berth.protocol.v1.Protos.ExecutorInfo;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.HealthCheck;
import dev.berth.protocol.v1.Protos.TaskGroupInfo;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/** An agent with containers that are none and a master that is none: the link, the updates, the recovery. */
@Timeout(60)
class TasksTest {
    @TempDir Path directory;

    private FakeAgent agent(FakeMaster master) throws AgentException {
        return new FakeAgent(
                directory,
                0,
                DeviceSetup.none(directory.resolve("devices")),
                master.options("zone:a;rack:3"));
    }

    @Test
    void itRegistersWithWhatItHas() throws Exception {
        try (FakeMaster master = new FakeMaster();
                FakeAgent _ = agent(master)) {
            Link.Register register = master.accept();
            assertThat(register.getAgentInfo().hasId()).isFalse();
            assertThat(register.getAgentInfo().getResourcesList())
                    .extracting(r -> r.getName())
                    .containsExactly("cpus", "mem", "disk", "ports");
            assertThat(register.getAgentInfo().getResources(0).getScalar().getValue()).isEqualTo(4);
            assertThat(register.getAgentInfo().getAttributesList())
                    .extracting(a -> a.getName() + ":" + a.getText().getValue())
                    .contains("zone:a", "enforced:pids");
            assertThat(master.next().hasHeartbeat()).isTrue();
        }
    }

    @Test
    void aCommandRunsAndItsOutputIsInTheSandbox() throws Exception {
        try (FakeMaster master = new FakeMaster();
                FakeAgent agent = agent(master)) {
            master.accept();
            master.launch(FakeMaster.task("t", "echo", "hello"));
            TaskStatus starting = master.update();
            assertThat(starting.getState()).isEqualTo(TaskState.TASK_STARTING);
            master.acknowledge(starting);
            TaskStatus running = master.update();
            assertThat(running.getState()).isEqualTo(TaskState.TASK_RUNNING);
            assertThat(running.getContainerStatus().getContainerId().getValue()).isNotEmpty();
            assertThat(running.getUuid().size()).isEqualTo(16);
            master.acknowledge(running);
            TaskStatus finished = master.until(TaskState.TASK_FINISHED);
            assertThat(finished.getExecutorId().getValue()).isEqualTo("t");
            assertThat(agent.containers.configs.values().iterator().next().process().env())
                    .contains("MESOS_SANDBOX=/mnt/mesos/sandbox", "MESOS_TASK_ID=t");
            Path latest =
                    directory.resolve(
                            "data/sandboxes/frameworks/f-1/executors/t/runs/latest/stdout");
            assertThat(Files.readString(latest)).isEqualTo("hello\n");
        }
    }

    @Test
    void aFailureSaysItsStatus() throws Exception {
        try (FakeMaster master = new FakeMaster();
                FakeAgent _ = agent(master)) {
            master.accept();
            master.launch(FakeMaster.task("t", "exit", "3"));
            acknowledge(master, 2);
            TaskStatus failed = master.update();
            assertThat(failed.getState()).isEqualTo(TaskState.TASK_FAILED);
            assertThat(failed.getMessage()).isEqualTo("Command exited with status 3");
        }
    }

    private static void acknowledge(FakeMaster master, int updates) throws IOException {
        for (int i = 0; i < updates; i++) {
            master.acknowledge(master.update());
        }
    }

    @Test
    void whatCannotBeRunIsAnErrorByName() throws Exception {
        try (FakeMaster master = new FakeMaster();
                FakeAgent _ = agent(master)) {
            master.accept();
            TaskInfo.Builder task = FakeMaster.task("t", "sleep");
            task.getCommandBuilder().addUrisBuilder().setValue("http://somewhere/x.tgz");
            master.launch(task);
            acknowledge(master, 1);
            TaskStatus error = master.update();
            assertThat(error.getState()).isEqualTo(TaskState.TASK_ERROR);
            assertThat(error.getReason()).isEqualTo(TaskStatus.Reason.REASON_TASK_INVALID);
            assertThat(error.getMessage()).contains("command.uris");
        }
    }

    @Test
    void aKillIsToldAndEndsIt() throws Exception {
        try (FakeMaster master = new FakeMaster();
                FakeAgent _ = agent(master)) {
            master.accept();
            master.launch(FakeMaster.task("t", "sleep"));
            master.until(TaskState.TASK_RUNNING);
            master.kill("t");
            master.until(TaskState.TASK_KILLING);
            assertThat(master.until(TaskState.TASK_KILLED).getMessage()).contains("signal 15");
        }
    }

    @Test
    void theNextAgentGoesOnWhereTheOneBeforeWas() throws Exception {
        try (FakeMaster master = new FakeMaster()) {
            TaskStatus unacknowledged;
            try (FakeAgent _ = agent(master)) {
                master.accept();
                master.launch(FakeMaster.task("runs", "sleep"));
                master.until(TaskState.TASK_RUNNING);
                master.launch(FakeMaster.task("ended", "echo", "x"));
                acknowledge(master, 2);
                unacknowledged = master.update();
                assertThat(unacknowledged.getState()).isEqualTo(TaskState.TASK_FINISHED);
            }
            try (FakeAgent _ = agent(master)) {
                Link.Register again = master.accept();
                assertThat(again.getAgentInfo().getId().getValue()).isEqualTo("agent-1");
                assertThat(again.getFrameworksList()).containsExactly(FakeMaster.INFO);
                assertThat(again.getTasksList())
                        .extracting(t -> t.getTaskId().getValue() + " " + t.getState())
                        .containsExactly("runs TASK_RUNNING", "ended TASK_FINISHED");
                TaskStatus resent = master.update();
                assertThat(resent).isEqualTo(unacknowledged);
                master.acknowledge(resent);
                // The same task again is the same task.
                master.launch(FakeMaster.task("runs", "sleep"));
                master.kill("runs");
                master.until(TaskState.TASK_KILLED);
            }
        }
    }

    @Test
    void aLostLinkLosesNothing() throws Exception {
        try (FakeMaster master = new FakeMaster();
                FakeAgent _ = agent(master)) {
            master.accept();
            master.launch(FakeMaster.task("t", "echo", "x"));
            TaskStatus first = master.update();
            master.hangUp();
            Link.Register again = master.accept();
            assertThat(again.getTasks(0).getTaskId().getValue()).isEqualTo("t");
            TaskStatus resent = master.update();
            assertThat(resent).isEqualTo(first);
            master.acknowledge(resent);
            // An acknowledgement that comes twice acknowledges once.
            master.acknowledge(resent);
            assertThat(master.update().getState()).isEqualTo(TaskState.TASK_RUNNING);
        }
    }

    @Test
    void aSchedulerThatIsBackHearsAtOnceWhatItMayHaveMissed() throws Exception {
        try (FakeMaster master = new FakeMaster();
                FakeAgent _ = agent(master)) {
            master.accept();
            master.launch(FakeMaster.task("t", "sleep"));
            TaskStatus first = master.update();
            master.send(
                    Link.FromMaster.newBuilder()
                            .setUpdateFramework(
                                    Link.UpdateFramework.newBuilder()
                                            .setFrameworkInfo(FakeMaster.INFO))
                            .build());
            assertThat(master.update()).isEqualTo(first);
            master.acknowledge(first);
            master.kill("t");
            master.until(TaskState.TASK_KILLED);
        }
    }

    @Test
    void theEndOfAFrameworkEndsItsTasksAndNobodyIsToldForEver() throws Exception {
        FrameworkInfo other =
                FakeMaster.INFO.toBuilder().setId(FrameworkID.newBuilder().setValue("f-2")).build();
        try (FakeMaster master = new FakeMaster()) {
            try (FakeAgent _ = agent(master)) {
                master.accept();
                master.launch(FakeMaster.task("runs", "sleep"), FakeMaster.task("over", "echo"));
                // Nothing is acknowledged: everything of it is pending.
                master.update();
                master.update();
                master.shutdownFramework();
                master.send(
                        Link.FromMaster.newBuilder()
                                .setLaunch(
                                        Link.Launch.newBuilder()
                                                .setFrameworkInfo(other)
                                                .addTasks(FakeMaster.task("other", "sleep")))
                                .build());
                assertThat(master.update().getTaskId().getValue()).isEqualTo("other");
            }
            try (FakeAgent _ = agent(master)) {
                Link.Register again = master.accept();
                assertThat(again.getFrameworksList()).containsExactly(other);
                assertThat(again.getTasksList())
                        .extracting(t -> t.getTaskId().getValue())
                        .containsExactly("other");
                assertThat(master.update().getTaskId().getValue()).isEqualTo("other");
            }
        }
    }

    @Test
    void anAgentThatWasMarkedGoneEndsItsTasksAndComesAsANewOne() throws Exception {
        try (FakeMaster master = new FakeMaster();
                FakeAgent _ = agent(master)) {
            master.accept();
            master.launch(FakeMaster.task("t", "sleep"));
            master.until(TaskState.TASK_RUNNING);
            master.send(
                    Link.FromMaster.newBuilder()
                            .setShutdown(Link.Shutdown.newBuilder().setMessage("gone"))
                            .build());
            Link.Register again = master.accept();
            assertThat(again.getAgentInfo().hasId()).isFalse();
            assertThat(again.getTasksList()).isEmpty();
        }
    }

    @Test
    void aRedirectIsFollowed() throws Exception {
        try (FakeMaster follower = new FakeMaster();
                FakeMaster leader = new FakeMaster();
                FakeAgent _ = agent(follower)) {
            follower.redirect(leader.address() + "/berth/v1/link");
            assertThat(leader.accept().getProtocol()).isEqualTo(1);
        }
    }

    @Test
    void oneOfAGroupThatFailsEndsTheOthers() throws Exception {
        try (FakeMaster master = new FakeMaster();
                FakeAgent _ = agent(master)) {
            master.accept();
            ExecutorInfo executor =
                    ExecutorInfo.newBuilder()
                            .setType(ExecutorInfo.Type.DEFAULT)
                            .setExecutorId(ExecutorID.newBuilder().setValue("e"))
                            .build();
            master.send(
                    Link.FromMaster.newBuilder()
                            .setLaunchGroup(
                                    Link.LaunchGroup.newBuilder()
                                            .setFrameworkInfo(FakeMaster.INFO)
                                            .setExecutor(executor)
                                            .setTaskGroup(
                                                    TaskGroupInfo.newBuilder()
                                                            .addTasks(FakeMaster.task("a", "sleep"))
                                                            .addTasks(
                                                                    FakeMaster.task(
                                                                            "b", "exit", "1"))))
                            .build());
            Map<TaskState, String> ends = new EnumMap<>(TaskState.class);
            boolean executorEnded = false;
            while (ends.size() < 2 || !executorEnded) {
                Link.FromAgent word = master.nextWord();
                executorEnded |= word.hasExecutorExited();
                if (word.hasStatusUpdate()) {
                    TaskStatus status = word.getStatusUpdate().getStatus();
                    master.acknowledge(status);
                    assertThat(status.getExecutorId().getValue()).isEqualTo("e");
                    if (Stream.of(TaskState.TASK_FAILED, TaskState.TASK_KILLED)
                            .anyMatch(status.getState()::equals)) {
                        ends.put(status.getState(), status.getTaskId().getValue());
                    }
                }
            }
            assertThat(ends).containsEntry(TaskState.TASK_FAILED, "b");
            assertThat(ends).containsEntry(TaskState.TASK_KILLED, "a");
        }
    }

    @Test
    void aTaskThatIsNotHealthyIsKilled() throws Exception {
        try (FakeMaster master = new FakeMaster();
                FakeAgent _ = agent(master)) {
            master.accept();
            TaskInfo.Builder task = FakeMaster.task("t", "sleep");
            HealthCheck.Builder check =
                    task.getHealthCheckBuilder()
                            .setType(HealthCheck.Type.TCP)
                            .setDelaySeconds(0)
                            .setIntervalSeconds(0.01)
                            .setGracePeriodSeconds(0)
                            .setConsecutiveFailures(2);
            check.getTcpBuilder().setPort(1);
            master.launch(task);
            TaskStatus killed = master.until(TaskState.TASK_KILLED);
            assertThat(killed.getHealthy()).isFalse();
        }
    }

    @Test
    void itsTimeIsLimited() throws IOException, AgentException, TimeoutException {
        try (FakeMaster master = new FakeMaster();
                FakeAgent _ = agent(master)) {
            master.accept();
            TaskInfo.Builder task = FakeMaster.task("t", "sleep");
            task.getMaxCompletionTimeBuilder().setNanoseconds(20_000_000);
            master.launch(task);
            acknowledge(master, 2);
            TaskStatus failed = master.update();
            assertThat(failed.getReason())
                    .isEqualTo(TaskStatus.Reason.REASON_MAX_COMPLETION_TIME_REACHED);
        }
    }

    @Test
    void anAgentThatIsRefusedKeepsItsTasksAndAsksAgain() throws Exception {
        try (FakeMaster master = new FakeMaster();
                FakeAgent agent = agent(master)) {
            master.accept();
            master.launch(FakeMaster.task("t", "sleep"));
            master.until(TaskState.TASK_RUNNING);
            master.hangUp();
            master.refuse("not now");
            Link.Register again = master.accept();
            assertThat(again.getAgentInfo().getId().getValue()).isEqualTo("agent-1");
            assertThat(again.getTasks(0).getState()).isEqualTo(TaskState.TASK_RUNNING);
            assertThat(agent.containers.configs).hasSize(1);
        }
    }

    @Test
    void anAgentThatIsShutDownEndsItsTasksAndForgetsWhoItWas() throws Exception {
        try (FakeMaster master = new FakeMaster()) {
            try (FakeAgent _ = agent(master)) {
                master.accept();
                master.launch(FakeMaster.task("t", "sleep"));
                master.until(TaskState.TASK_RUNNING);
                master.send(
                        Link.FromMaster.newBuilder()
                                .setShutdown(Link.Shutdown.newBuilder().setMessage("unwanted"))
                                .build());
                assertThatThrownBy(
                                () -> {
                                    while (true) {
                                        master.next();
                                    }
                                })
                        .isInstanceOf(IOException.class);
                // It comes again when all its tasks have ended.
                Link.Register next = master.accept();
                assertThat(next.getAgentInfo().hasId()).isFalse();
                assertThat(next.getTasksList()).isEmpty();
            }
        }
    }

    @Test
    void onlySandboxesOfTasksThatAreOverForGoodAreRemoved() throws Exception {
        try (FakeMaster master = new FakeMaster()) {
            Optional<MasterOptions> options =
                    master.options("")
                            .map(o ->
                                    new MasterOptions(
                                            o.masters(),
                                            o.zooKeeper(),
                                            o.listenHost(),
                                            o.listenPort(),
                                            true,
                                            o.tokenFile(),
                                            "",
                                            "",
                                            new SandboxRetention(0, 0.1)));
            DeviceSetup none = DeviceSetup.none(directory.resolve("devices"));
            Path executors = directory.resolve("data/sandboxes/frameworks/f-1/executors");
            try (FakeAgent _ = new FakeAgent(directory, 0, none, options)) {
                master.accept();
                master.launch(
                        FakeMaster.task("over", "echo", "x"),
                        FakeMaster.task("ended", "echo", "x"),
                        FakeMaster.task("runs", "sleep"));
                // All but the last word of one.
                int open = 8;
                while (open > 0) {
                    TaskStatus status = master.update();
                    boolean last = status.getState() == TaskState.TASK_FINISHED;
                    if (!last || !status.getTaskId().getValue().equals("ended")) {
                        master.acknowledge(status);
                    }
                    open--;
                }
            }
            // The next agent's first pass looks at what was noted before it.
            try (FakeAgent _ = new FakeAgent(directory, 0, none, options)) {
                master.accept();
                long deadline = System.nanoTime() + 20_000_000_000L;
                while (Files.exists(executors.resolve("over")) && System.nanoTime() < deadline) {
                    Thread.onSpinWait();
                }
                assertThat(executors.resolve("over")).doesNotExist();
                assertThat(executors.resolve("ended/runs/latest/stdout")).hasContent("x");
                assertThat(executors.resolve("runs/runs/latest/stdout")).exists();
            }
        }
    }
}
