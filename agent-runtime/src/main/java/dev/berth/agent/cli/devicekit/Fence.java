package dev.berth.agent.cli.devicekit;

import dev.berth.agent.cli.session.CliException;
import dev.berth.linux.Bpf;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Takes the device programs off a container, which proves that the kit sees their absence. */
final class Fence {
    private Fence() {}

    /**
     * Detaches every device program between a process's cgroup and the agent's. The agent notices within seconds and puts them back, so the next probe must follow at once.
     *
     * @param agentCgroup name of the agent's cgroup, which is as far as it goes
     */
    static void takeOff(int pid, String agentCgroup) throws CliException, IOException {
        Path group = cgroup(pid);
        Path end = mount().resolve(agentCgroup).getParent();
        Linux linux = Linux.host();
        try {
            for (Path at = group; at != null && !at.equals(end); at = at.getParent()) {
                try (OwnedFd directory =
                        linux.files()
                                .openat(
                                        Fd.CWD,
                                        at.toString(),
                                        Open.O_RDONLY | Open.O_DIRECTORY,
                                        0)) {
                    detachAll(linux.bpf(), directory);
                }
            }
        } catch (ErrnoException e) {
            throw new CliException(
                    1, "cannot take the device program off " + group + ": " + e.getMessage(), e);
        }
    }

    private static void detachAll(Bpf bpf, Fd directory) throws ErrnoException {
        for (int id : bpf.deviceProgramIds(directory)) {
            Optional<OwnedFd> opened = bpf.programById(id);
            if (opened.isPresent()) {
                try (OwnedFd program = opened.get()) {
                    bpf.detachDeviceProgram(directory, program);
                }
            }
        }
    }

    private static Path cgroup(int pid) throws CliException, IOException {
        Path file = Path.of("/proc/" + pid + "/cgroup");
        for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
            if (line.startsWith("0::/")) {
                return mount().resolve(line.substring(4));
            }
        }
        throw new CliException(1, "process " + pid + " is in no cgroup of version 2");
    }

    private static Path mount() throws CliException, IOException {
        for (String line :
                Files.readAllLines(Path.of("/proc/self/mountinfo"), StandardCharsets.UTF_8)) {
            if (line.contains(" - cgroup2 ")) {
                return Path.of(line.split(" ")[4]);
            }
        }
        throw new CliException(1, "cgroup2 is not mounted; 'berth doctor' says what to do");
    }
}
