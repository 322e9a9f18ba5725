package dev.berth.agent.cli.hostcheck;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Whether containers with GPUs can run on this machine at all, found by trying. */
final class Ground {
    private Ground() {}

    /** What stands against it, by name; empty when nothing does. */
    static List<String> missing(Target target) {
        List<String> missing = new ArrayList<>();
        if (HostFacts.isGvisor()) {
            missing.add(
                    "gVisor: its kernel has neither cgroup2 nor device programs, which keep a container to its own GPU");
            return missing;
        }
        if (!target.isSimulated()
                && !Files.exists(Path.of("/proc/driver/nvidia"))
                && !Files.exists(Path.of("/dev/nvidiactl"))) {
            missing.add("no NVIDIA driver: neither /proc/driver/nvidia nor /dev/nvidiactl");
        }
        if (!isRoot()) {
            missing.add("not root");
            return missing;
        }
        mount().ifPresent(missing::add);
        cgroup().ifPresent(missing::add);
        return missing;
    }

    private static boolean isRoot() {
        try {
            return "0"
                    .equals(String.valueOf(Files.getAttribute(Path.of("/proc/self"), "unix:uid")));
        } catch (IOException e) {
            return false;
        }
    }

    private static Optional<String> mount() {
        try (OwnedFd context = Linux.host().mounts().fsopen("tmpfs")) {
            Linux.host().mounts().fsconfigCreate(context);
            Linux.host().mounts().fsmount(context, 0).close();
            return Optional.empty();
        } catch (ErrnoException e) {
            return Optional.of("mounts: " + e.getMessage());
        }
    }

    private static Optional<String> cgroup() {
        Optional<Path> mount =
                HostFacts.text(Path.of("/proc/self/mountinfo"))
                        .lines()
                        .filter(line -> line.contains(" - cgroup2 "))
                        .map(line -> Path.of(line.split(" ")[4]))
                        .findFirst();
        if (mount.isEmpty()) {
            return Optional.of("cgroup2 is not mounted (mount -t cgroup2 none /sys/fs/cgroup)");
        }
        Path group =
                mount.get().resolve("berth-gpu-host-check-try-" + ProcessHandle.current().pid());
        try {
            Files.createDirectory(group);
            Files.delete(group);
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of("cgroup2: cannot make " + group + ": " + e.getMessage());
        }
    }
}
