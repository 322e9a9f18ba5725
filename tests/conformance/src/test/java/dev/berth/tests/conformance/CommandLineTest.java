package dev.berth.tests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.Platform;
import dev.berth.containerizer.image.archive.OciImageWriter;
import dev.berth.containerizer.image.archive.OciImageWriter.Member;
import dev.berth.tests.conformance.CommandLine.Outcome;
import dev.berth.tests.kit.AgentProcess;
import dev.berth.tests.kit.BusyboxRoot;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.BufferedReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The verbs, on a real agent. */
@Tag("conformance")
@Timeout(120)
class CommandLineTest {
    @TempDir static Path directory;
    private static AgentProcess agent;
    private static CommandLine berth;
    private static String root;

    @BeforeAll
    static void startAgent() throws Exception {
        root = BusyboxRoot.make(directory.resolve("root")).toString();
        agent = AgentProcess.start(directory.resolve("agent"));
        berth = new CommandLine(agent.socket());
    }

    @AfterAll
    static void endAgent() {
        if (agent != null) {
            agent.close();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "exit 0, 0",
        "exit 7, 7",
        "kill -9 $PPID; kill -15 $$; exit 3, 3",
        "(kill -9 $$) & wait; exit 9, 9"
    })
    void runExitsAsTheContainer(String script, int code) throws Exception {
        Outcome outcome = berth.run("run", "--rm", "--rootfs", root, "sh", "-c", script);
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(code);
    }

    @Test
    void aProgramThatASignalEndedIs128AndItsNumber() throws Exception {
        String script = "sh -c 'kill -11 $$'; exit $?";
        assertThat(berth.run("run", "--rm", "--init", "--rootfs", root, "sh", "-c", script).code())
                .isEqualTo(139);
    }

    @Test
    void aProgramThatCannotBeStartedIs126Or127() throws Exception {
        Outcome missing = berth.run("run", "--rm", "--rootfs", root, "nosuch");
        assertThat(missing.code()).isEqualTo(127);
        assertThat(missing.err()).contains("nosuch");
        assertThat(berth.run("run", "--rm", "--rootfs", root, "/etc/passwd").code()).isEqualTo(126);
        assertThat(berth.run("run", "--rm", "--network", "bridge", "--rootfs", root, "true"))
                .satisfies(outcome -> {
                    assertThat(outcome.code()).isEqualTo(125);
                    assertThat(outcome.err()).contains("--network none");
                });
        assertThat(berth.run("ps", "-aq").out()).isEmpty();
    }

    @Test
    void inputReachesTheContainerToTheLastByteAndComesBack() throws Exception {
        byte[] input = "0123456789abcde\n".repeat(100_000).getBytes(StandardCharsets.UTF_8);
        Outcome outcome = berth.run(input, "run", "-i", "--rm", "--rootfs", root, "cat");
        assertThat(outcome.out()).isEqualTo(new String(input, StandardCharsets.UTF_8));
        assertThat(outcome.code()).isZero();
    }

    @Test
    void outputAndErrorsStayApart() throws Exception {
        Outcome outcome =
                berth.run("run", "--rm", "--rootfs", root, "sh", "-c", "echo out; echo err >&2");
        assertThat(outcome.out()).isEqualTo("out\n");
        assertThat(outcome.err()).endsWith("err\n");
    }

    @Test
    void signalsArePassedOn() throws Exception {
        String script = "trap 'echo got; exit 5' TERM; echo up; while :; do usleep 50000; done";
        Process run = berth.start("run", "-i", "--rm", "--rootfs", root, "sh", "-c", script);
        try (OutputStream _ = run.getOutputStream();
                BufferedReader out = run.inputReader(StandardCharsets.UTF_8)) {
            assertThat(out.readLine()).isEqualTo("up");
            // Process.destroy would close the streams as well.
            run.toHandle().destroy();
            assertThat(out.readLine()).isEqualTo("got");
        }
        assertThat(run.waitFor()).isEqualTo(5);
    }

    @Test
    void aContainerInTheBackgroundIsHandledByItsName() throws Exception {
        String script = "trap 'echo bye; exit 3' TERM; echo line; while :; do usleep 50000; done";
        Outcome run = berth.run("run", "-d", "--name", "web", "--rootfs", root, "sh", "-c", script);
        assertThat(run.code()).as(run.err()).isZero();
        String id = run.out().strip();
        assertThat(berth.run("ps").out()).contains(id.substring(0, 12)).contains("web");
        assertThat(berth.run("exec", "web", "sh", "-c", "echo in; exit 4"))
                .isEqualTo(new Outcome(4, "in\n", ""));
        assertThat(berth.run("in\n".getBytes(StandardCharsets.UTF_8), "exec", "-i", "web", "cat"))
                .isEqualTo(new Outcome(0, "in\n", ""));
        assertThat(berth.run("exec", "web", "nosuch").code()).isEqualTo(127);
        assertThat(berth.run("top", "web").out()).contains("trap");
        assertThat(berth.run("stats", "--no-stream", "web").out()).contains("web");
        assertThat(berth.run("pause", "web").code()).isZero();
        assertThat(berth.run("ps").out()).contains("(Paused)");
        assertThat(berth.run("unpause", "web").code()).isZero();
        Process wait = berth.start("wait", "web");
        assertThat(berth.run("stop", "-t", "20", "web")).isEqualTo(new Outcome(0, "web\n", ""));
        assertThat(CommandLine.finish(wait, new byte[0]).out()).isEqualTo("3\n");
        assertThat(berth.run("logs", "web").out()).isEqualTo("line\nbye\n");
        assertThat(berth.run("inspect", "--format", "json", "web").out())
                .contains("\"ExitCode\":3")
                .contains("\"Timeline\":[{");
        assertThat(berth.run("rm", "web")).isEqualTo(new Outcome(0, "web\n", ""));
        assertThat(berth.run("inspect", "web").code()).isEqualTo(1);
        assertThat(berth.run("events", "--since", "1m", "--until", "0s", "-f", "container=web"))
                .satisfies(events -> assertThat(events.out()).contains("die").contains("destroy"));
    }

    @Test
    void anImageIsLoadedRunTaggedAndRemoved() throws Exception {
        Path archive = directory.resolve("image.tar");
        try (OutputStream out = Files.newOutputStream(archive)) {
            new OciImageWriter(Platform.host())
                    .layer(
                            List.of(
                                    new Member.RegularFile(
                                            "busybox",
                                            0755,
                                            Files.readAllBytes(Path.of("/bin/busybox")))))
                    .entrypoint("/busybox", "echo")
                    .cmd("default")
                    .writeArchive(out, Optional.of(ImageReference.parse("localhost/bb:1")));
        }
        Outcome loaded = berth.run("load", "-i", archive.toString());
        assertThat(loaded.out()).as(loaded.err()).contains("Loaded image");
        assertThat(berth.run("run", "--rm", "localhost/bb:1").out()).isEqualTo("default\n");
        assertThat(berth.run("run", "--rm", "localhost/bb:1", "a", "b").out()).isEqualTo("a b\n");
        assertThat(berth.run("tag", "localhost/bb:1", "localhost/bb:2").code()).isZero();
        assertThat(berth.run("images").out().lines().filter(l -> l.startsWith("localhost/bb ")))
                .hasSize(2);
        assertThat(berth.run("plan", "localhost/bb:2", "x").out())
                .contains("execve")
                .contains("seccomp");
        assertThat(berth.run("rmi", "localhost/bb:1", "localhost/bb:2").out())
                .contains("Untagged: localhost/bb:2")
                .contains("Deleted: ");
        assertThat(berth.run("run", "--rm", "--pull", "never", "localhost/bb:1").code())
                .isEqualTo(125);
    }

    @Test
    void versionAndDoctorAnswer() throws Exception {
        assertThat(berth.run("version").out()).contains("Agent at unix://").contains("Kernel:");
        Outcome doctor = berth.run("doctor", "--format", "json");
        assertThat(doctor.code()).as(doctor.out()).isZero();
        assertThat(doctor.out())
                .contains("\"Name\":\"clone3 into a cgroup\",\"State\":\"present\"")
                .contains("\"Name\":\"BPF device program\",\"State\":\"present\"");
        assertThat(Cgroups.named("berth-doctor-")).isEmpty();
    }
}
