package dev.berth.agent.cli.doctor;

import dev.berth.agent.cli.doctor.Finding.Area;
import dev.berth.agent.cli.doctor.Finding.State;
import dev.berth.agent.cli.view.Capabilities;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.Rlimit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Who we are and what we may. */
final class PermissionCheck {
    /** What an agent uses itself; containers get at most what it has. */
    private static final List<String> NEEDED =
            List.of(
                    "SYS_ADMIN",
                    "CHOWN",
                    "DAC_OVERRIDE",
                    "FOWNER",
                    "FSETID",
                    "KILL",
                    "MKNOD",
                    "NET_ADMIN",
                    "SETGID",
                    "SETUID",
                    "SETPCAP",
                    "SETFCAP",
                    "SYS_CHROOT",
                    "SYS_PTRACE");

    /** The finding of that name. */
    static final String ROOT = "root";

    private static final long WANTED_OPEN_FILES = 65536;

    private PermissionCheck() {}

    static List<Finding> check() throws IOException {
        List<Finding> findings = new ArrayList<>();
        long effective = 0;
        String user = "";
        for (String line :
                Files.readAllLines(Path.of("/proc/self/status"), StandardCharsets.UTF_8)) {
            if (line.startsWith("CapEff:")) {
                effective = Long.parseUnsignedLong(line.substring(7).strip(), 16);
            } else if (line.startsWith("Uid:")) {
                user = line.substring(4).strip().split("\\s+")[1];
            }
        }
        findings.add(
                Finding.of(
                                Area.PERMISSIONS,
                                ROOT,
                                user.equals("0"),
                                "user " + user,
                                "an agent cannot be started",
                                "sudo berth …")
                        .whenNeeded());
        List<String> missing = new ArrayList<>(NEEDED);
        missing.removeAll(Capabilities.names(effective));
        findings.add(
                Finding.of(
                                Area.PERMISSIONS,
                                "capabilities",
                                missing.isEmpty(),
                                missing.isEmpty()
                                        ? "all that an agent uses"
                                        : "without " + String.join(" ", missing),
                                "starts fail where they are used",
                                "run on the host, or in a container with --privileged")
                        .whenNeeded());
        boolean resource = Capabilities.names(effective).contains("SYS_RESOURCE");
        findings.add(
                Finding.of(
                        Area.PERMISSIONS,
                        "CAP_SYS_RESOURCE",
                        resource,
                        "",
                        "hard limits cannot be raised: --ulimit above the agent's own fails, defaults are lowered with a warning",
                        "start the agent with CAP_SYS_RESOURCE"));
        findings.add(openFiles(resource));
        return findings;
    }

    private static Finding openFiles(boolean mayRaise) {
        try {
            long hard = Linux.host().processes().rlimit(Rlimit.RLIMIT_NOFILE)[1];
            boolean enough = hard == Rlimit.RLIM_INFINITY || hard >= WANTED_OPEN_FILES;
            State state = enough || mayRaise ? State.PRESENT : State.PARTIAL;
            return new Finding(
                    Area.PERMISSIONS,
                    "open files (hard limit)",
                    state,
                    false,
                    hard == Rlimit.RLIM_INFINITY ? "unlimited" : Long.toString(hard),
                    state == State.PRESENT ? "" : "an agent with thousands of containers runs out",
                    state == State.PRESENT ? "" : "ulimit -Hn 1048576 before the agent starts");
        } catch (ErrnoException e) {
            return Finding.of(
                    Area.PERMISSIONS,
                    "open files (hard limit)",
                    false,
                    String.valueOf(e.getMessage()),
                    "",
                    "");
        }
    }
}
