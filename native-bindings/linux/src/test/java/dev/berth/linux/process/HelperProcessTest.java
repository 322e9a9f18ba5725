package dev.berth.linux.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Memfd;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Signal;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

@SuppressWarnings("try") // some tests close early, on purpose
class HelperProcessTest {
    private static final Linux LINUX = Linux.host();
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final String SHELL = "/bin/sh";
    @TempDir Path temp;
    private Map<Integer, String> descriptors;

    @BeforeEach
    void countDescriptors() throws ErrnoException {
        descriptors = LINUX.files().openDescriptors();
    }

    @AfterEach
    void nothingLeaked() throws ErrnoException {
        assertThat(LINUX.files().openDescriptors()).isEqualTo(descriptors);
    }

    private static HelperCommand shell(String script) {
        return HelperCommand.of(SHELL, List.of("sh", "-c", script), Map.of("A", "b c"));
    }

    private static HelperResult run(HelperCommand command, String input) throws ErrnoException {
        return HelperProcess.run(
                LINUX, command, input.getBytes(StandardCharsets.UTF_8), SOON, 1 << 20);
    }

    private static String output(HelperResult result) {
        return new String(result.output(), StandardCharsets.UTF_8);
    }

    @Test
    void answersAndEnds() throws ErrnoException {
        HelperResult result = run(shell("cat; echo err >&2; exit 3"), "hello");
        assertThat(output(result)).isEqualTo("hello");
        assertThat(new String(result.errors(), StandardCharsets.UTF_8)).isEqualTo("err\n");
        assertThat(result.exitCode()).hasValue(3);
        assertThat(result.succeeded()).isFalse();
        assertThat(result.describe()).isEqualTo("exit code 3: err");
    }

    @Test
    void seesOnlyItsOwnEnvironmentDescriptorsAndDirectory() throws Exception {
        // A descriptor that somebody opened without O_CLOEXEC, as the JDK itself does.
        try (var inheritable = Files.newInputStream(Path.of("/dev/null"))) {
            assertThat(inheritable.read()).isEqualTo(-1);
            HelperCommand env =
                    HelperCommand.of("/usr/bin/env", List.of("env"), Map.of("A", "b c"));
            assertThat(output(run(env, ""))).isEqualTo("A=b c\n");
            assertThat(output(run(shell("pwd"), ""))).isEqualTo("/\n");
            // ls itself opens the directory as the next free descriptor, 3.
            HelperCommand ls =
                    HelperCommand.of("/bin/ls", List.of("ls", "/proc/self/fd"), Map.of());
            assertThat(output(run(ls, ""))).isEqualTo("0\n1\n2\n3\n");
        }
    }

    @Test
    void startsWithNoSignalBlockedOrIgnoredAndItsOwnSession() throws ErrnoException {
        HelperCommand status =
                HelperCommand.of("/bin/cat", List.of("cat", "/proc/self/status"), Map.of());
        assertThat(output(run(status, "")))
                .contains("SigBlk:\t0000000000000000")
                .contains("SigIgn:\t0000000000000000");
        String[] fields = output(run(shell("exec cat /proc/self/stat"), "")).split(" ");
        assertThat(fields[5]).as("session").isEqualTo(fields[0]);
    }

    @Test
    void anOpenBinaryRunsWithoutItsDescriptor() throws Exception {
        try (OwnedFd program = LINUX.files().memfdCreate("ls", Memfd.MFD_ALLOW_SEALING)) {
            LINUX.files().writeAll(program, Files.readAllBytes(Path.of("/bin/ls")));
            HelperCommand ls = HelperCommand.of(program, List.of("ls", "/proc/self/fd"), Map.of());
            assertThat(output(run(ls, ""))).isEqualTo("0\n1\n2\n3\n");
        }
    }

    @Test
    void descriptorsArriveInTheListedOrderWhateverTheirNumbers() throws Exception {
        Path one = Files.writeString(temp.resolve("one"), "1");
        Path two = Files.writeString(temp.resolve("two"), "2");
        Path out = temp.resolve("out");
        int create = Open.O_WRONLY | Open.O_CREAT;
        try (OwnedFd first = LINUX.files().openat(Fd.CWD, one.toString(), Open.O_RDONLY, 0);
                OwnedFd second = LINUX.files().openat(Fd.CWD, two.toString(), Open.O_RDONLY, 0);
                OwnedFd target = LINUX.files().openat(Fd.CWD, out.toString(), create, 0600);
                OwnedFd none = HelperProcess.devNull(LINUX);
                HelperProcess helper =
                        HelperProcess.start(
                                LINUX,
                                shell("cat <&4 >&1; cat <&3 >&1; cat <&0"),
                                List.of(none, target, Fd.borrowed(2), first, second, none))) {
            assertThat(helper.await(SOON)).hasValue(0);
            assertThat(out).hasContent("21");
        }
    }

    @Test
    void missingProgramSaysSo() {
        HelperCommand absent = HelperCommand.of("/no/such/program", List.of("x"), Map.of());
        assertThatThrownBy(() -> run(absent, ""))
                .isInstanceOf(ErrnoException.class)
                .hasMessage("posix_spawn(/no/such/program): ENOENT (No such file or directory)");
        HelperCommand relative = HelperCommand.of("ls", List.of("ls"), Map.of());
        assertThatThrownBy(() -> run(relative, "")).hasMessageContaining("not an absolute path");
    }

    @Test
    void scriptsRunByPath() throws Exception {
        Path script = Files.writeString(temp.resolve("s"), "#!/bin/sh\necho \"$0 $1\"\n");
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
        HelperCommand command =
                HelperCommand.of(script.toString(), List.of("ignored", "arg"), Map.of());
        assertThat(output(run(command, ""))).isEqualTo(script + " arg\n");
    }

    @Test
    void deadlineKillsTheProgramAndItsChildren() throws ErrnoException {
        HelperCommand stubborn =
                shell("trap '' TERM; (sleep 1000; true) & echo $!; echo $$; wait; sleep 1000");
        HelperResult result =
                HelperProcess.run(LINUX, stubborn, new byte[0], Duration.ofMillis(300), 1000);
        assertThat(result.timedOut()).isTrue();
        assertThat(result.signal()).hasValue(Signal.SIGKILL);
        assertThat(result.describe()).isEqualTo("signal 9 at its deadline");
        for (String pid : output(result).strip().split("\n")) {
            assertGone(Integer.parseInt(pid));
        }
    }

    /** The children are not ours to reap: init does it in its own time. */
    private static void assertGone(int pid) throws ErrnoException {
        try (OwnedFd pidfd = LINUX.processes().pidfdOpen(pid).orElse(null)) {
            if (pidfd != null) {
                assertThat(LINUX.processes().poll(pidfd, 1, 10_000)).as("pid %d", pid).isNotZero();
            }
        }
    }

    @Test
    void aChildThatKeepsThePipeOpenDoesNotHoldUsBack() throws ErrnoException {
        HelperResult result = run(shell("sleep 1000 & echo started"), "");
        assertThat(output(result)).isEqualTo("started\n");
        assertThat(result.succeeded()).isTrue();
    }

    @Test
    void endlessOutputIsBounded() throws ErrnoException {
        HelperResult result =
                HelperProcess.run(
                        LINUX,
                        shell("yes x | head -c 5000000; yes >&2"),
                        new byte[0],
                        Duration.ofMillis(500),
                        1000);
        assertThat(result.output()).hasSize(1000);
        assertThat(result.errors()).hasSize(1000);
        assertThat(result.truncated()).isTrue();
        assertThat(result.timedOut()).isTrue();
    }

    @Test
    void inputThatNobodyReadsIsNoError() throws ErrnoException {
        String big = "x".repeat(1 << 20);
        assertThat(run(shell("exit 0"), big).succeeded()).isTrue();
        assertThat(output(run(shell("wc -c"), big)).strip()).isEqualTo("1048576");
    }

    @Test
    void aLongLivedHelperIsSignalledAndReaped() throws ErrnoException {
        try (OwnedFd none = HelperProcess.devNull(LINUX);
                HelperProcess helper =
                        HelperProcess.start(
                                LINUX, shell("exec sleep 1000"), List.of(none, none, none))) {
            assertThat(helper.ended()).isEmpty();
            assertThat(LINUX.processes().poll(helper.pidfd(), 1, 0)).isZero();
            assertThat(LINUX.processes().startTime(helper.pid())).isPresent();
            assertThat(helper.signal(Signal.SIGTERM)).isTrue();
            assertThat(helper.await(SOON)).hasValue(Signal.SIGTERM);
            assertThat(helper.ended()).hasValue(Signal.SIGTERM);
            assertThat(helper.signal(Signal.SIGTERM)).isFalse();
            assertThat(LINUX.processes().startTime(helper.pid())).isEmpty();
            assertThat(LINUX.processes().pidfdOpen(helper.pid())).isEmpty();
        }
    }

    @Test
    void closeKillsAndReaps() throws ErrnoException {
        int pid;
        try (OwnedFd none = HelperProcess.devNull(LINUX);
                HelperProcess helper =
                        HelperProcess.start(
                                LINUX, shell("exec sleep 1000"), List.of(none, none, none))) {
            pid = helper.pid();
        }
        assertThat(LINUX.processes().pidfdOpen(pid)).isEmpty();
    }

    @Test
    void theKernelTellsTheExitStatusOfAReapedChildWhereItCan() throws ErrnoException {
        try (OwnedFd none = HelperProcess.devNull(LINUX);
                HelperProcess helper =
                        HelperProcess.start(LINUX, shell("exit 7"), List.of(none, none, none))) {
            assertThat(helper.await(SOON)).hasValue(7 << 8);
            String release = LINUX.processes().kernelRelease();
            int[] version =
                    Stream.of(release.split("[.-]")).limit(2).mapToInt(Integer::parseInt).toArray();
            if (version[0] > 6 || version[0] == 6 && version[1] >= 15) {
                assertThat(LINUX.processes().pidfdExitStatus(helper.pidfd())).hasValue(7 << 8);
            } else {
                assertThat(LINUX.processes().pidfdExitStatus(helper.pidfd())).isEmpty();
            }
        }
    }

    @Test
    void manyStartsFromManyThreadsKeepApart() throws Exception {
        Thread[] threads = new Thread[4];
        String[] wrong = new String[threads.length];
        for (int t = 0; t < threads.length; t++) {
            int id = t;
            threads[t] =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    for (int i = 0; i < 15; i++) {
                                        String text = id + "." + i;
                                        String got =
                                                output(
                                                        run(
                                                                shell("cat; exec ls /proc/self/fd"),
                                                                text + " "));
                                        if (!got.equals(text + " 0\n1\n2\n3\n")) {
                                            wrong[id] = got;
                                        }
                                    }
                                } catch (ErrnoException e) {
                                    wrong[id] = e.toString();
                                }
                            });
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(wrong).containsOnlyNulls();
    }
}
