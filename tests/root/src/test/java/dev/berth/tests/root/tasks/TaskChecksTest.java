package dev.berth.tests.root.tasks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.protocol.v1.Protos.CheckInfo;
import dev.berth.protocol.v1.Protos.ContainerInfo;
import dev.berth.protocol.v1.Protos.HealthCheck;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.TaskStatus.Reason;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Checks of health and general ones, against real programs. */
@Tag("root")
@Timeout(60)
@ExtendWith(TaskCluster.Shared.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TaskChecksTest {
    private TaskCluster cluster;

    @BeforeAll
    void begin(TaskCluster shared) {
        cluster = shared;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** Serves its sandbox, until {@code stop} is there; then it lives on without serving. */
    private TaskInfo.Builder server(String base, int port) {
        return cluster.shell(
                base,
                "echo hi > $MESOS_SANDBOX/index.html; busybox httpd -f -p 127.0.0.1:"
                        + port
                        + " -h $MESOS_SANDBOX & server=$!; while [ ! -e $MESOS_SANDBOX/stop ]; do sleep 0.02; done; kill $server; sleep 1000");
    }

    private static HealthCheck.Builder check(TaskInfo.Builder task, HealthCheck.Type type) {
        return task.getHealthCheckBuilder()
                .setType(type)
                .setDelaySeconds(0)
                .setIntervalSeconds(0.05)
                .setTimeoutSeconds(5)
                .setGracePeriodSeconds(10)
                .setConsecutiveFailures(2);
    }

    private TaskStatus healthy(TaskInfo.Builder task, boolean healthy) throws Exception {
        return cluster.update(
                task,
                healthy ? "healthy" : "not healthy",
                s ->
                        s.getReason() == Reason.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED
                                && s.getHealthy() == healthy);
    }

    private void assertKilledByItsCheck(TaskInfo.Builder task, String why) throws Exception {
        TaskStatus end = cluster.end(task);
        assertThat(end.getState()).as(end.toString()).isEqualTo(TaskState.TASK_KILLED);
        assertThat(end.getReason()).isEqualTo(Reason.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED);
        assertThat(end.getHealthy()).isFalse();
        assertThat(end.getMessage()).contains(why).contains("signal 15");
        List<TaskStatus> all = cluster.scheduler.updates(TaskCluster.id(task));
        assertThat(all)
                .as("two failures in a row, each told")
                .filteredOn(s -> s.getState() == TaskState.TASK_RUNNING && s.hasHealthy())
                .filteredOn(s -> !s.getHealthy())
                .hasSize(2);
        assertThat(all).extracting(TaskStatus::getState).contains(TaskState.TASK_KILLING);
    }

    @Test
    void aPageThatIsGoneEndsTheTask() throws Exception {
        int port = freePort();
        TaskInfo.Builder task = server("http", port);
        check(task, HealthCheck.Type.HTTP).getHttpBuilder().setPort(port).setPath("/index.html");
        cluster.launch(task);
        assertThat(healthy(task, true).getState()).isEqualTo(TaskState.TASK_RUNNING);
        Files.delete(cluster.sandbox(task).resolve("index.html"));
        assertKilledByItsCheck(task, "GET /index.html answers 404");
    }

    @Test
    void aPortThatIsClosedEndsTheTask() throws Exception {
        int port = freePort();
        TaskInfo.Builder task = server("tcp", port);
        check(task, HealthCheck.Type.TCP).getTcpBuilder().setPort(port);
        cluster.launch(task);
        healthy(task, true);
        Files.createFile(cluster.sandbox(task).resolve("stop"));
        assertKilledByItsCheck(task, "refused");
    }

    @Test
    void aCommandLooksInsideTheContainer() throws Exception {
        TaskInfo.Builder task =
                cluster.inImage(
                        "command",
                        "touch /tmp/ok; while [ ! -e $MESOS_SANDBOX/stop ]; do sleep 0.02; done; rm /tmp/ok; sleep 1000");
        check(task, HealthCheck.Type.COMMAND)
                .getCommandBuilder()
                .setValue("test $FROM = image && test -e $DIR/ok")
                .getEnvironmentBuilder()
                .addVariablesBuilder()
                .setName("DIR")
                .setValue("/tmp");
        cluster.launch(task);
        healthy(task, true);
        Files.createFile(cluster.sandbox(task).resolve("stop"));
        assertKilledByItsCheck(task, "exited with 1");
    }

    @Test
    void failuresInTheGracePeriodDoNotCount() throws Exception {
        TaskInfo.Builder task = cluster.shell("grace", "sleep 1000");
        check(task, HealthCheck.Type.COMMAND)
                .setGracePeriodSeconds(1.2)
                .setConsecutiveFailures(1)
                .getCommandBuilder()
                .setValue("false");
        cluster.launch(task);
        double begin = cluster.running(task).getTimestamp();
        TaskStatus told = healthy(task, false);
        assertThat(told.getTimestamp() - begin).isBetween(1.1, 5.0);
        assertThat(cluster.end(task).getState()).isEqualTo(TaskState.TASK_KILLED);
    }

    @Test
    void theDelayIsWaitedFor() throws Exception {
        TaskInfo.Builder task = cluster.shell("delay", "sleep 1000");
        check(task, HealthCheck.Type.COMMAND)
                .setDelaySeconds(1)
                .getCommandBuilder()
                .setValue("true");
        cluster.launch(task);
        double begin = cluster.running(task).getTimestamp();
        assertThat(healthy(task, true).getTimestamp() - begin).isBetween(0.9, 5.0);
        cluster.kill(task, java.util.Optional.of(TaskCluster.grace(0)));
        cluster.end(task);
    }

    /** Processes on this host with an argument. */
    private static long processes(String argument) throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc"))) {
            return all.filter(
                            path -> {
                                try {
                                    return Files.readString(path.resolve("cmdline"))
                                            .contains("\0" + argument + "\0");
                                } catch (IOException _) {
                                    return false;
                                }
                            })
                    .count();
        }
    }

    @Test
    void aCommandThatHangsIsKilledAtItsTimeout() throws Exception {
        String argument = String.valueOf(4_000_000 + ProcessHandle.current().pid());
        TaskInfo.Builder task = cluster.inImage("hang", "exec sleep 1000");
        check(task, HealthCheck.Type.COMMAND)
                .setTimeoutSeconds(0.2)
                .setGracePeriodSeconds(0)
                .setConsecutiveFailures(6)
                .getCommandBuilder()
                .setShell(false)
                .setValue("/bin/sleep")
                .addArguments("sleep")
                .addArguments(argument);
        cluster.launch(task);
        String id = TaskCluster.id(task);
        long most = 0;
        for (int failures = 1; failures <= 5; failures++) {
            int wanted = failures;
            cluster.scheduler.await(
                    "failure " + failures,
                    20,
                    () ->
                            cluster.scheduler.updates(id).stream()
                                            .filter(s -> s.hasHealthy() && !s.getHealthy())
                                            .count()
                                    >= wanted);
            most = Math.max(most, processes(argument));
        }
        assertThat(most).as("checks that hang at the same time").isLessThanOrEqualTo(2);
        TaskStatus end = cluster.end(task);
        assertThat(end.getMessage()).contains("timed out");
        assertThat(processes(argument)).isZero();
    }

    @Test
    void aGeneralCheckReportsAndEndsNothing() throws Exception {
        TaskInfo.Builder task =
                cluster.shell(
                        "check",
                        "while [ ! -e $MESOS_SANDBOX/stop ]; do sleep 0.02; done; touch $MESOS_SANDBOX/ok; sleep 1000");
        task.getCheckBuilder()
                .setType(CheckInfo.Type.COMMAND)
                .setDelaySeconds(0)
                .setIntervalSeconds(0.05)
                .getCommandBuilder()
                .getCommandBuilder()
                .setValue("test -e $MESOS_SANDBOX/ok || exit 7");
        cluster.launch(task);
        TaskStatus first = cluster.update(task, "running", s -> true);
        assertThat(first.getCheckStatus().getType()).isEqualTo(CheckInfo.Type.COMMAND);
        assertThat(first.getCheckStatus().getCommand().hasExitCode()).isFalse();
        TaskStatus seven =
                cluster.update(
                        task,
                        "exit code 7",
                        s -> s.getCheckStatus().getCommand().getExitCode() == 7);
        assertThat(seven.getReason()).isEqualTo(Reason.REASON_TASK_CHECK_STATUS_UPDATED);
        assertThat(seven.getState()).isEqualTo(TaskState.TASK_RUNNING);
        Files.createFile(cluster.sandbox(task).resolve("stop"));
        cluster.update(
                task,
                "exit code 0",
                s ->
                        s.getCheckStatus().getCommand().hasExitCode()
                                && s.getCheckStatus().getCommand().getExitCode() == 0);
        cluster.kill(task, java.util.Optional.of(TaskCluster.grace(0)));
        TaskStatus end = cluster.end(task);
        assertThat(end.getCheckStatus().getCommand().hasExitCode()).isTrue();
    }

    @Test
    void generalChecksOfPagesAndPorts() throws Exception {
        int port = freePort();
        TaskInfo.Builder page = server("page", port);
        page.getCheckBuilder()
                .setType(CheckInfo.Type.HTTP)
                .setDelaySeconds(0)
                .setIntervalSeconds(0.05)
                .getHttpBuilder()
                .setPort(port)
                .setPath("/index.html");
        cluster.launch(page);
        cluster.update(page, "200", s -> s.getCheckStatus().getHttp().getStatusCode() == 200);
        TaskInfo.Builder watcher = cluster.shell("watcher", "sleep 1000");
        watcher.getCheckBuilder()
                .setType(CheckInfo.Type.TCP)
                .setDelaySeconds(0)
                .setIntervalSeconds(0.05)
                .getTcpBuilder()
                .setPort(port);
        cluster.launch(watcher);
        cluster.update(watcher, "connected", s -> s.getCheckStatus().getTcp().getSucceeded());
        Files.delete(cluster.sandbox(page).resolve("index.html"));
        cluster.update(page, "404", s -> s.getCheckStatus().getHttp().getStatusCode() == 404);
        Files.createFile(cluster.sandbox(page).resolve("stop"));
        cluster.update(
                watcher,
                "refused",
                s ->
                        s.getCheckStatus().getTcp().hasSucceeded()
                                && !s.getCheckStatus().getTcp().getSucceeded());
        cluster.kill(page, java.util.Optional.of(TaskCluster.grace(0)));
        cluster.kill(watcher, java.util.Optional.of(TaskCluster.grace(0)));
        cluster.end(page);
        cluster.end(watcher);
    }

    @Test
    void aCheckThatCouldNotReachTheContainerIsRefused() throws Exception {
        TaskInfo.Builder task = cluster.shell("alone", "true");
        task.setContainer(
                TaskCluster.docker(TaskCluster.IMAGE, ContainerInfo.DockerInfo.Network.NONE));
        check(task, HealthCheck.Type.TCP).getTcpBuilder().setPort(80);
        TaskStatus end = cluster.run(task);
        assertThat(end.getState()).isEqualTo(TaskState.TASK_ERROR);
        assertThat(end.getMessage()).contains("NONE").contains("COMMAND");
    }
}
