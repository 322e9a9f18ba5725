package dev.berth.gpu.health;

import dev.berth.isolator.ContainerId;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Whose process a pid is: {@code /proc/PID/cgroup} names the container's cgroup {@code ROOT/c/ID}, also for processes that made cgroups below it.
 *
 * <p>A pid that is gone, or that is none of ours, has no owner. Between a signal and the look a pid may have gone to another process: {@link HealthBook} believes an owner only where it holds the device.
 * Thread: any; reads one small kernel file, which never blocks on the process. Source: cgroups(7), "/proc/[pid]/cgroup".
 */
public final class ProcessOwner {
    private static final int LIMIT_BYTES = 64 * 1024;

    private final Path procRoot;
    private final String prefix;

    /**
     * @param procRoot {@code /proc}
     * @param cgroupRoot the agent's part of the cgroup2 tree, relative to its mount, such as {@code berth-1a2b3c4d}
     */
    public ProcessOwner(Path procRoot, String cgroupRoot) {
        this.procRoot = procRoot;
        String trimmed = cgroupRoot;
        while (trimmed.startsWith("/")) {
            trimmed = trimmed.substring(1);
        }
        while (trimmed.endsWith("/")) {
            trimmed = trimmed.substring(0, trimmed.length() - 1);
        }
        this.prefix = "/" + (trimmed.isEmpty() ? "" : trimmed + "/") + "c/";
    }

    /** The container of a process of this pid namespace. */
    public Optional<ContainerId> of(int pid) {
        if (pid <= 0) {
            return Optional.empty();
        }
        Path file = procRoot.resolve(Integer.toString(pid)).resolve("cgroup");
        try (InputStream in = Files.newInputStream(file)) {
            return parse(new String(in.readNBytes(LIMIT_BYTES), StandardCharsets.UTF_8));
        } catch (IOException _) {
            // gone (ENOENT at open, ESRCH at read), or not for us to see
            return Optional.empty();
        }
    }

    /** From the text of {@code /proc/PID/cgroup}. On hybrid hosts lines of version 1 stand beside the one that counts, {@code 0::/path}. */
    Optional<ContainerId> parse(String text) {
        for (String line : text.split("\n")) {
            if (line.startsWith("0::" + prefix)) {
                String rest = line.substring(3 + prefix.length());
                int slash = rest.indexOf('/');
                String id = slash < 0 ? rest : rest.substring(0, slash);
                // a cgroup that was removed under a zombie
                id = id.endsWith(" (deleted)") ? id.substring(0, id.length() - 10) : id;
                return isId(id) ? Optional.of(new ContainerId(id)) : Optional.empty();
            }
        }
        return Optional.empty();
    }

    private static boolean isId(String text) {
        return text.length() == 64
                && text.chars().allMatch(c -> (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
    }
}
