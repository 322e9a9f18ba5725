package dev.berth.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.protocol.link.Link;
import dev.berth.protocol.v1.Protos.CommandInfo;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A real agent on this kernel, killed by kill -9 while its tasks run; the master is a test's. */
@Tag("root")
@Timeout(120)
class TaskSurvivalTest {
    private Path directory;
    private FakeMaster master;
    private Process agent;

    @BeforeEach
    void begin() throws IOException {
        directory = Files.createTempDirectory("tasks");
        master = new FakeMaster();
        agent = start();
    }

    private Process start() throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
        command.addAll(
                List.of(
                        "--add-exports",
                        "java.base/jdk.internal.misc=ALL-UNNAMED",
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty(
                                "surefire.test.class.path", System.getProperty("java.class.path")),
                        "dev.berth.agent.cli.Berth",
                        "agent",
                        "-H",
                        "unix://" + directory.resolve("s"),
                        "--data-root",
                        directory.resolve("data").toString(),
                        "--exec-root",
                        directory.resolve("exec").toString(),
                        "--master",
                        master.address(),
                        "--listen",
                        "127.0.0.1:0"));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(directory.resolve("log").toFile()))
                .start();
    }

    @AfterEach
    void end() throws Exception {
        agent.destroy();
        if (!agent.waitFor(10, TimeUnit.SECONDS)) {
            agent.destroyForcibly();
        }
        master.close();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /** On the host's programs, without an image. */
    private static TaskInfo.Builder shell(String id, String script) {
        TaskInfo.Builder task = FakeMaster.task(id, "x");
        return task.clearContainer()
                .setCommand(CommandInfo.newBuilder().setShell(true).setValue(script));
    }

    @Test
    void tasksOutliveTheAgentAndTheirUpdatesAreSentAgain() throws Exception {
        master.accept();
        master.launch(
                shell(
                        "long",
                        "echo begun in $MESOS_SANDBOX as $MESOS_TASK_ID; touch $MESOS_SANDBOX/mark;"
                                + " while [ ! -e $MESOS_SANDBOX/stop ]; do sleep 0.05; done; echo over; exit 3"));
        TaskStatus running = master.until(TaskState.TASK_RUNNING);
        int pid = running.getContainerStatus().getExecutorPid();
        assertThat(Path.of("/proc/" + pid)).exists();
        agent.destroyForcibly().waitFor();
        assertThat(Path.of("/proc/" + pid)).as("the task runs on").exists();
        agent = start();
        Link.Register again = master.accept();
        assertThat(again.getTasks(0).getState()).isEqualTo(TaskState.TASK_RUNNING);
        assertThat(Path.of("/proc/" + pid)).as("it is the same one").exists();

        Path sandbox =
                directory.resolve("data/sandboxes/frameworks/f-1/executors/long/runs/latest");
        assertThat(sandbox.resolve("mark")).exists();
        // It ends while no agent is there.
        agent.destroyForcibly().waitFor();
        Files.createFile(sandbox.resolve("stop"));
        agent = start();
        master.accept();
        TaskStatus failed = master.update();
        if (failed.getState() == TaskState.TASK_RUNNING) {
            // The first kill came before the acknowledgement was read.
            master.acknowledge(failed);
            failed = master.update();
        }
        assertThat(failed.getState()).as(failed.toString()).isEqualTo(TaskState.TASK_FAILED);
        assertThat(failed.getMessage()).isEqualTo("Command exited with status 3");
        assertThat(Files.readString(sandbox.resolve("stdout")))
                .isEqualTo("begun in /mnt/mesos/sandbox as long\nover\n");
        // Not acknowledged: the next agent sends the very same.
        agent.destroyForcibly().waitFor();
        agent = start();
        assertThat(master.accept().getTasks(0).getState()).isEqualTo(TaskState.TASK_FAILED);
        TaskStatus resent = master.update();
        assertThat(resent).isEqualTo(failed);
        master.acknowledge(resent);
    }

    @Test
    void whatACommandWithoutAnImageSeesOfTheHost() throws Exception {
        master.accept();
        master.launch(
                shell(
                        "look",
                        "ls / | tr '\\n' ' '; touch /usr/x 2>/dev/null && echo wrote; cat /etc/shadow 2>/dev/null | head -1;"
                                + " ls /run /var; touch /tmp/mine && echo tmp; id -u"));
        master.until(TaskState.TASK_FINISHED);
        String out =
                Files.readString(
                        directory.resolve(
                                "data/sandboxes/frameworks/f-1/executors/look/runs/latest/stdout"));
        assertThat(out).contains("usr").contains("\ntmp\n").endsWith("\n0\n");
        assertThat(out).doesNotContain("wrote").doesNotContain("root:").doesNotContain("berth");
        assertThat(Path.of("/tmp/mine")).doesNotExist();
    }
}
