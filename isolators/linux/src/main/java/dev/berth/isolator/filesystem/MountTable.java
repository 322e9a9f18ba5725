package dev.berth.isolator.filesystem;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.MountSpec;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.SafePath;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Which of the default mounts stand, given those that the user asked for: a mount of the user's replaces the default one of the same place and all that would be below it. */
final class MountTable {
    private static final SafePath PROC = new SafePath("/proc");

    /** What may lie over files of proc: values that containers fake, nothing that decides (runc has the same list). */
    private static final Set<String> PROC_ALLOWED =
            Set.of(
                    "/proc/cpuinfo",
                    "/proc/diskstats",
                    // What a device's driver tells of itself: seen, nothing is set through it.
                    "/proc/driver",
                    "/proc/driver/nvidia",
                    "/proc/driver/nvidia/params",
                    "/proc/meminfo",
                    "/proc/stat",
                    "/proc/swaps",
                    "/proc/uptime",
                    "/proc/loadavg",
                    "/proc/slabinfo",
                    "/proc/sys/kernel/ns_last_pid",
                    "/proc/sys/crypto/fips_enabled");

    private final List<SafePath> users = new ArrayList<>();

    MountTable(ContainerConfig config) throws IsolatorException {
        for (MountSpec mount : config.mounts()) {
            users.add(target(mount.target()));
        }
    }

    /** A checked target. */
    static SafePath target(String path) throws IsolatorException {
        SafePath target = path(path);
        if (target.value().equals("/")) {
            throw new IsolatorException(
                    "filesystem/mounts: mount over the root: choose another target than /");
        }
        if (target.within(PROC) && !PROC_ALLOWED.contains(target.value())) {
            throw new IsolatorException(
                    "filesystem/mounts: mount on or below /proc would defeat masks and labels: "
                            + target);
        }
        return target;
    }

    static SafePath path(String path) throws IsolatorException {
        try {
            return new SafePath(path);
        } catch (IllegalArgumentException e) {
            throw new IsolatorException("filesystem/mounts: " + e.getMessage(), e);
        }
    }

    /** Whether the default mount there stands. */
    boolean stands(String target) {
        SafePath wanted = new SafePath(target);
        return users.stream().noneMatch(wanted::within);
    }

    /** Whether the user has a mount of exactly this place. */
    boolean taken(String target) {
        return users.contains(new SafePath(target));
    }
}
