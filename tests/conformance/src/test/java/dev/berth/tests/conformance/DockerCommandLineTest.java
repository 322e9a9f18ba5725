package dev.berth.tests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.tests.conformance.DockerCli.Result;
import dev.berth.tests.kit.AgentProcess;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** The everyday verbs of the docker command line. */
@Tag("conformance")
@Timeout(120)
class DockerCommandLineTest {
    @TempDir static Path directory;
    private static AgentProcess agent;
    private static DockerCli docker;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        agent = AgentProcess.start(directory.resolve("a"));
        docker = new DockerCli(agent.socket(), directory);
        Path archive = directory.resolve("bb.tar");
        DockerArchive.write(archive, "bb");
        Result loaded = docker.run("load", "-i", archive.toString());
        assertThat(loaded.code()).as(loaded.err()).isZero();
        assertThat(loaded.out()).contains("Loaded image: bb:latest");
    }

    @AfterAll
    static void stop() {
        agent.close();
    }

    @AfterEach
    void removeAll() throws IOException, InterruptedException {
        for (String id : docker.run("ps", "-aq").out().split("\n")) {
            if (!id.isBlank()) {
                docker.run("rm", "-f", id);
            }
        }
    }

    private static Result ok(Result result) {
        assertThat(result.code()).as(result.out() + result.err()).isZero();
        return result;
    }

    private static Result run(String... arguments) throws IOException, InterruptedException {
        String[] all = new String[arguments.length + 4];
        all[0] = "run";
        all[1] = "--rm";
        all[2] = "--network";
        all[3] = "none";
        System.arraycopy(arguments, 0, all, 4, arguments.length);
        return docker.run(all);
    }

    @Test
    void fiftyRunsOfEchoGiveTheirExactOutput() throws IOException, InterruptedException {
        for (int i = 0; i < 50; i++) {
            Result result = ok(run("bb", "echo", "hello " + i));
            assertThat(result.out()).isEqualTo("hello " + i + "\n");
        }
        assertThat(docker.run("ps", "-aq").out()).isEmpty();
    }

    @Test
    void exitCodesAreTheShells() throws IOException, InterruptedException {
        assertThat(run("bb", "sh", "-c", "exit 7").code()).isEqualTo(7);
        assertThat(run("bb", "nosuch").code()).isEqualTo(127);
        assertThat(run("bb", "/etc").code()).isEqualTo(126);
        assertThat(run("bb", "sh", "-c", "sh -c 'kill -9 $$'; exit $?").code()).isEqualTo(137);
        assertThat(run("nosuchimage:latest", "true").code()).isEqualTo(125);
        Result streams = run("bb", "sh", "-c", "echo out; echo err >&2");
        assertThat(streams.out()).isEqualTo("out\n");
        assertThat(streams.err()).isEqualTo("err\n");
    }

    @Test
    void standardInputReachesTheProcessToItsEnd() throws IOException, InterruptedException {
        byte[] bytes = new byte[3_000_000];
        new Random(1).nextBytes(bytes);
        // Often: output that is read while it is written once lost a frame in one run of three.
        for (int i = 0; i < 20; i++) {
            Result through =
                    docker.run(bytes, "run", "-i", "--rm", "--network", "none", "bb", "cat");
            assertThat(through.code()).isZero();
            assertThat(through.out().getBytes(StandardCharsets.ISO_8859_1)).isEqualTo(bytes);
        }
        ok(docker.run("run", "-d", "--name", "ex", "--network", "none", "bb", "sleep", "600"));
        Result exec = docker.run(bytes, "exec", "-i", "ex", "cat");
        assertThat(exec.out().getBytes(StandardCharsets.ISO_8859_1)).isEqualTo(bytes);
    }

    @Test
    void aContainerLivesItsLife() throws IOException, InterruptedException {
        ok(
                docker.run(
                        "run",
                        "-d",
                        "--name",
                        "life",
                        "--network",
                        "none",
                        "bb",
                        "sh",
                        "-c",
                        "echo one; echo two >&2; trap 'echo bye; exit 3' TERM; while :; do sleep 1 & wait $!; done"));
        assertThat(docker.run("ps", "--format", "{{.Names}} {{.State}}").out())
                .isEqualTo("life running\n");
        assertThat(ok(docker.run("exec", "-u", "bob", "-w", "/tmp", "life", "id")).out())
                .startsWith("uid=1000(bob) gid=1000(bob) groups=");
        assertThat(docker.run("exec", "life", "sh", "-c", "exit 9").code()).isEqualTo(9);
        assertThat(docker.run("exec", "life", "nosuch").code()).isEqualTo(127);
        assertThat(ok(docker.run("top", "life")).out()).contains("sh -c echo one");
        assertThat(ok(docker.run("stats", "--no-stream", "life")).out()).contains("life");
        ok(docker.run("pause", "life"));
        assertThat(docker.run("ps", "--format", "{{.Status}}").out()).contains("(Paused)");
        ok(docker.run("unpause", "life"));
        ok(docker.run("rename", "life", "death"));
        assertThat(docker.run("inspect", "-f", "{{.Name}} {{.State.Running}}", "death").out())
                .isEqualTo("/death true\n");
        ok(docker.run("stop", "death"));
        assertThat(docker.run("wait", "death").out()).isEqualTo("3\n");
        Result logs = docker.run("logs", "death");
        assertThat(logs.out()).isEqualTo("one\nbye\n");
        assertThat(logs.err()).isEqualTo("two\n");
        assertThat(docker.run("logs", "--tail", "1", "-t", "death").out())
                .matches("\\d{4}-.*Z bye\n");
        ok(docker.run("start", "death"));
        ok(docker.run("restart", "-t", "1", "death"));
        ok(docker.run("kill", "death"));
        assertThat(docker.run("ps", "-a", "--format", "{{.Status}}").out()).contains("(137)");
        ok(docker.run("rm", "death"));
        assertThat(docker.run("inspect", "death").code()).isEqualTo(1);
    }

    @Test
    void isolationIsAsAsked() throws IOException, InterruptedException {
        assertThat(run("--hostname", "hh", "bb", "hostname").out()).isEqualTo("hh\n");
        assertThat(run("--user", "bob", "bb", "id", "-u").out()).isEqualTo("1000\n");
        assertThat(run("-w", "/tmp", "-e", "A=b", "bb", "sh", "-c", "pwd; echo $A $FROM").out())
                .isEqualTo("/tmp\nb image\n");
        assertThat(run("--read-only", "bb", "touch", "/x").code()).isEqualTo(1);
        assertThat(run("--read-only", "--tmpfs", "/t", "bb", "touch", "/t/x").code()).isZero();
        assertThat(run("--cap-drop", "ALL", "bb", "grep", "CapEff", "/proc/self/status").out())
                .contains("0000000000000000");
        assertThat(
                        run(
                                        "--security-opt",
                                        "no-new-privileges",
                                        "bb",
                                        "grep",
                                        "NoNewPrivs",
                                        "/proc/self/status")
                                .out())
                .contains("1");
        Path shared = Files.createDirectories(directory.resolve("shared"));
        Files.writeString(shared.resolve("file"), "from the host\n");
        assertThat(run("-v", shared + ":/m:ro", "bb", "cat", "/m/file").out())
                .isEqualTo("from the host\n");
        assertThat(run("-v", shared + ":/m:ro", "bb", "touch", "/m/x").code()).isEqualTo(1);
        assertThat(run("--device", "/dev/null:/dev/mine", "bb", "ls", "/dev/mine").code()).isZero();
        assertThat(run("--ulimit", "nofile=100:200", "bb", "sh", "-c", "ulimit -n").out())
                .isEqualTo("100\n");
        assertThat(run("--init", "bb", "sh", "-c", "echo $$").out()).isNotEqualTo("1\n");
    }

    @Test
    void networksAndVolumesThatAreNotThereAreRefusedByName()
            throws IOException, InterruptedException {
        Result plain = docker.run("run", "--rm", "bb", "true");
        assertThat(plain.code()).isEqualTo(125);
        assertThat(plain.err())
                .contains("network \"default\" is not supported by Berth yet")
                .contains("--network none")
                .contains("--network host");
        assertThat(run("-v", "vol:/x", "bb", "true").err()).contains("named volume \"vol\"");
        assertThat(run("-p", "80:80", "bb", "true").err()).contains("PortBindings");
        assertThat(run("--gpus", "all", "bb", "true").err())
                .contains("this agent hands out no nvidia.com/gpu")
                .contains("berth agent --gpus sim:8xH100");
        assertThat(docker.run("run", "--rm", "--network", "host", "bb", "true").code()).isZero();
        ok(docker.run("create", "--name", "cp", "--network", "none", "bb"));
        assertThat(docker.run("cp", "cp:/etc/passwd", directory.toString()).err())
                .contains("is not supported by Berth yet");
    }

    @Test
    void eventsTellTheStory() throws IOException, InterruptedException {
        Process events = docker.start("events", "--format", "{{.Action}}", "--filter", "event=die");
        try {
            String line;
            // The client may not listen yet when the first run ends: another one follows.
            do {
                ok(run("bb", "true"));
            } while (events.getInputStream().available() == 0);
            line = DockerCli.firstLine(events);
            assertThat(line).isEqualTo("die");
        } finally {
            events.destroyForcibly().waitFor();
        }
    }

    @Test
    void followedLogsEndWithTheContainer() throws IOException, InterruptedException {
        ok(
                docker.run(
                        "run",
                        "-d",
                        "--name",
                        "fl",
                        "--network",
                        "none",
                        "bb",
                        "sh",
                        "-c",
                        "for i in $(seq 20); do echo line $i; sleep 0.05; done"));
        Result followed = ok(docker.run("logs", "-f", "fl"));
        assertThat(followed.out()).startsWith("line 1\n").endsWith("line 20\n").hasLineCount(20);
    }

    @Test
    void imagesCanBeNamedAndRemoved() throws IOException, InterruptedException {
        ok(docker.run("tag", "bb", "other:1"));
        assertThat(docker.run("images", "--format", "{{.Repository}}:{{.Tag}}").out())
                .contains("bb:latest", "other:1");
        assertThat(docker.run("history", "--format", "{{.CreatedBy}}", "bb").out())
                .isEqualTo("by hand\n");
        assertThat(docker.run("image", "inspect", "-f", "{{.Config.Labels.made}}", "bb").out())
                .isEqualTo("by-hand\n");
        ok(docker.run("rmi", "other:1"));
        ok(docker.run("create", "--name", "user", "--network", "none", "bb"));
        assertThat(docker.run("rmi", "bb").code()).isEqualTo(1);
        assertThat(docker.run("version", "--format", "{{.Server.APIVersion}}").out())
                .isEqualTo("1.47\n");
        assertThat(docker.run("info", "--format", "{{.LiveRestoreEnabled}}").out())
                .isEqualTo("true\n");
    }

    @Test
    void containersOutliveTheAgent() throws IOException, InterruptedException {
        ok(
                docker.run(
                        "run",
                        "-d",
                        "--name",
                        "out",
                        "--network",
                        "none",
                        "bb",
                        "sh",
                        "-c",
                        "i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done"));
        ok(
                docker.run(
                        "run",
                        "-d",
                        "--name",
                        "ends",
                        "--network",
                        "none",
                        "bb",
                        "sh",
                        "-c",
                        "sleep 1; exit 42"));
        for (int i = 0; i < 3; i++) {
            agent.kill();
            agent.restart();
            assertThat(docker.run("ps", "--format", "{{.Names}}").out()).contains("out");
        }
        assertThat(docker.run("wait", "ends").out()).isEqualTo("42\n");
        ok(docker.run("exec", "out", "true"));
        ok(docker.run("kill", "out"));
        String[] lines = docker.run("logs", "out").out().split("\n");
        assertThat(lines.length).isGreaterThan(10);
        for (int i = 0; i < lines.length; i++) {
            assertThat(lines[i]).isEqualTo(String.valueOf(i + 1));
        }
    }
}
