package dev.berth.tests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.tests.kit.AgentProcess;
import dev.berth.tests.kit.BusyboxRoot;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** {@code berth run -it} in a real terminal, which tmux plays. */
@Tag("conformance")
@Timeout(120)
class TerminalTest {
    @TempDir Path directory;
    private AgentProcess agent;

    @BeforeEach
    void open() throws Exception {
        BusyboxRoot.make(directory.resolve("root"));
        agent = AgentProcess.start(directory.resolve("agent"));
        Path script = directory.resolve("berth");
        StringBuilder words = new StringBuilder("#!/bin/sh\nexec");
        for (String word : CommandLine.command()) {
            words.append(" '").append(word).append('\'');
        }
        Files.writeString(script, words + " \"$@\"\n", StandardCharsets.UTF_8);
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
        tmux(
                "-f",
                "/dev/null",
                "new-session",
                "-d",
                "-x",
                "100",
                "-y",
                "30",
                "env PS1='host> ' PATH="
                        + directory
                        + ":$PATH BERTH_HOST=unix://"
                        + agent.socket()
                        + " sh");
        await("host>");
    }

    @AfterEach
    void close() throws Exception {
        tmux("kill-server");
        agent.engine().call("DELETE", "/containers/shell?force=1", null);
        agent.close();
    }

    private String tmux(String... words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("tmux", "-S", directory + "/tmux"));
        command.addAll(List.of(words));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return output;
    }

    private void type(String text) throws IOException, InterruptedException {
        tmux("send-keys", "-l", text);
        tmux("send-keys", "Enter");
    }

    private String await(String expected) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (true) {
            String screen = tmux("capture-pane", "-p");
            if (screen.contains(expected)) {
                return screen;
            }
            assertThat(System.nanoTime())
                    .as("no '%s' on: %s", expected, screen)
                    .isLessThan(deadline);
            LockSupport.parkNanos(20_000_000);
        }
    }

    /** The shell in the container waits for a command. */
    private void awaitPrompt() throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!tmux("capture-pane", "-p").stripTrailing().endsWith("\n/ #")) {
            assertThat(System.nanoTime()).as("no prompt").isLessThan(deadline);
            LockSupport.parkNanos(20_000_000);
        }
    }

    @Test
    void aShellHasATerminalThatFollowsAndIsGivenBack() throws Exception {
        type("berth run -it --name shell --rootfs " + directory + "/root sh; echo code $?.");
        await("/ #");
        type("stty size; tty");
        await("30 100");
        // The screen is seen between the two lines, too.
        await("/dev/");

        tmux("resize-window", "-x", "90", "-y", "25");
        type("until stty size | grep -q '25 90'; do usleep 20000; done; echo resi''zed");
        await("resized");

        // An interrupt is the foreground program's, not ours.
        type("cat; echo cat ended $?");
        type("typed");
        await("typed\ntyped");
        tmux("send-keys", "C-c");
        // An interrupt throws away what is typed before the shell has its terminal back.
        awaitPrompt();
        type("echo still''here");
        await("stillhere");
        awaitPrompt();

        tmux("send-keys", "C-p", "C-q");
        await("code 0.");
        type("stty -a | grep -o ' echo '; berth attach shell; echo left $?.");
        await(" echo");
        type("echo ba''ck; exit 9");
        await("back");
        await("left 9.");
        type("stty -a | grep -c ' icanon'; echo fin''ished");
        assertThat(await("finished")).contains("1\nfinished");
    }

    @Test
    void aKilledCommandLineGivesTheTerminalBack() throws Exception {
        type(
                "berth run -it --name shell --sig-proxy=false --rootfs "
                        + directory
                        + "/root sh; echo code $?.");
        await("/ #");
        Process kill =
                new ProcessBuilder(
                                "pkill",
                                "-TERM",
                                "-f",
                                "Berth run -it --name shell --sig-proxy=false")
                        .start();
        assertThat(kill.waitFor()).isZero();
        await("code 143.");
        type("stty -a | grep -c ' icanon'; echo fin''ished");
        assertThat(await("finished")).contains("1\nfinished");
    }
}
