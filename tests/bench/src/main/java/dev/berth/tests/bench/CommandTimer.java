package dev.berth.tests.bench;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Processes;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Runs a peer's command once for every line on standard input and prints how long it took from posix_spawn to its end, in nanoseconds, and its wait status. A process of its own, so that a peer may have a mount namespace in
 * which it accepts this host. {@code %d} in an argument becomes a running number.
 */
public final class CommandTimer {
    private CommandTimer() {}

    /** Arguments: the program's absolute path, then its argv[1] and so on. */
    public static void main(String[] args) throws IOException, ErrnoException {
        Linux linux = Linux.host();
        Processes processes = linux.processes();
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader in =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (OwnedFd program = linux.files().openat(Fd.CWD, args[0], 0, 0);
                OwnedFd nothing = linux.files().openat(Fd.CWD, "/dev/null", 2, 0)) {
            for (int round = 0; in.readLine() != null; round++) {
                List<String> argv = new ArrayList<>();
                for (String arg : args) {
                    argv.add(arg.replace("%d", String.valueOf(round)));
                }
                long before = System.nanoTime();
                int pid =
                        processes.posixSpawn(
                                program,
                                argv,
                                List.of("PATH=/usr/sbin:/usr/bin:/sbin:/bin"),
                                List.of(nothing, nothing, Fd.borrowed(2)));
                int status = await(processes, pid);
                out.println((System.nanoTime() - before) + " " + status);
            }
        }
    }

    private static int await(Processes processes, int pid) throws ErrnoException {
        Optional<OwnedFd> opened = processes.pidfdOpen(pid);
        if (opened.isPresent()) {
            try (OwnedFd pidfd = opened.get()) {
                processes.poll(pidfd, 1, 30_000);
            }
        }
        return processes
                .waitChild(pid)
                .orElseThrow(() ->
                        new IllegalStateException("process " + pid + " did not end within 30 s"));
    }
}
