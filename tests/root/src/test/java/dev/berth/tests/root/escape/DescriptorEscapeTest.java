package dev.berth.tests.root.escape;

import dev.berth.isolator.ContainerId;

import java.util.List;
import java.util.Optional;

/** CVE-2016-9962, CVE-2024-21626: descriptors of the launch as working directory, as path of the program, and left open in it. */
final class DescriptorEscapeTest extends AttackTest {
    private static final int MOST = 48;

    @Override
    List<Attack> attacks() {
        return List.of(
                new Attack(
                        "working directory through a descriptor",
                        Defence.kernel("guarded lookups", NaiveLinux.lookups()),
                        DescriptorEscapeTest::workingDirectory),
                new Attack(
                        "program through a descriptor",
                        Defence.kernel(
                                "descriptors closed before execve", NaiveLinux.descriptors()),
                        DescriptorEscapeTest::program),
                new Attack(
                        "program of an exec through a descriptor",
                        Defence.kernel(
                                "descriptors closed before execve", NaiveLinux.descriptors()),
                        DescriptorEscapeTest::programOfExec));
    }

    /** The run directory holds the monitor's socket, the log directory the log. */
    private static Optional<String> workingDirectory(EscapeHost host) throws Exception {
        for (int fd = 3; fd < MOST; fd++) {
            EscapeHost.Outcome outcome =
                    host.run(
                            Setup.probe("open", "log", "--", "open", "monitor.sock")
                                    .cwd("/proc/self/fd/" + fd));
            if (outcome.started() && !outcome.text().equals("log ENOENT\nmonitor.sock ENOENT\n")) {
                return Optional.of("its working directory is the host's: " + outcome.text());
            }
        }
        return Optional.empty();
    }

    /** A directory of the host is enough to walk to all others. */
    private static String outside(EscapeHost host, int fd) {
        return "/proc/self/fd/" + fd + "/../../../../../../../.." + host.root() + "/probe";
    }

    private static Optional<String> program(EscapeHost host) throws Exception {
        for (int fd = 3; fd < MOST; fd++) {
            EscapeHost.Outcome outcome =
                    host.run(Setup.program(outside(host, fd), "echo", "from the host"));
            if (outcome.started()) {
                return Optional.of("descriptor " + fd + " led to a program of the host");
            }
        }
        return Optional.empty();
    }

    private static Optional<String> programOfExec(EscapeHost host) throws Exception {
        ContainerId id = host.startReady(Setup.probe("sleep-until-signal"));
        for (int fd = 3; fd < MOST; fd++) {
            EscapeHost.Outcome outcome =
                    host.exec(id, List.of(outside(host, fd), "echo", "from the host"), "/");
            if (outcome.started()) {
                return Optional.of("descriptor " + fd + " led to a program of the host");
            }
        }
        return Optional.empty();
    }
}
