package dev.berth.gpu.proc;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Statx;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;

/**
 * Which processes have a device open, from {@code /proc/PID/fd}, by device number: a container's node may have any path. Processes of every namespace below this one are seen, with their pids in this one.
 *
 * <p>Not seen: threads that unshared their descriptors, and memory that stays mapped after the descriptor was closed. Thread: lane; nothing that it looks at is opened. Source: proc_pid_fd(5).
 */
public final class OpenDevices {
    /** {@code AT_STATX_DONT_SYNC}: a file on a dead server is not asked for. */
    private static final int DONT_SYNC = 0x4000;

    private final Linux linux;
    private final Path procRoot;

    public OpenDevices(Linux linux, Path procRoot) {
        this.linux = linux;
        this.procRoot = procRoot;
    }

    /**
     * @param users pids by device number ({@link Statx#makedev})
     * @param unseen processes that could not be looked at, or why the search was not ended; empty when all were seen
     */
    public record Found(Map<Long, Set<Integer>> users, Optional<String> unseen) {
        /** Who has one of these devices open. */
        public Set<Integer> of(Iterable<Long> devices) {
            Set<Integer> pids = new TreeSet<>();
            devices.forEach(device -> pids.addAll(users.getOrDefault(device, Set.of())));
            return pids;
        }
    }

    /** Looks at every process; {@code cancelled} ends the search early, which is then said. */
    public Found search(BooleanSupplier cancelled) {
        Map<Long, Set<Integer>> users = new HashMap<>();
        List<Integer> hidden = new ArrayList<>();
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(procRoot, "[0-9]*")) {
            for (Path process : processes) {
                if (cancelled.getAsBoolean()) {
                    return new Found(users, Optional.of("the search was ended early"));
                }
                int pid = pid(process);
                if (pid > 0 && !look(process, pid, users)) {
                    hidden.add(pid);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            return new Found(users, Optional.of(procRoot + " cannot be listed: " + e.getMessage()));
        }
        return new Found(
                users,
                hidden.isEmpty()
                        ? Optional.empty()
                        : Optional.of(
                                hidden.size()
                                        + " processes could not be looked at (pid "
                                        + hidden.getFirst()
                                        + (hidden.size() > 1 ? " and others" : "")
                                        + "): run the agent as root"));
    }

    private static int pid(Path process) {
        Path name = process.getFileName();
        String text = name == null ? "" : name.toString();
        return text.matches("\\d{1,9}") ? Integer.parseInt(text) : -1;
    }

    /** False when the process hides its descriptors from us; one that is gone hides nothing. */
    private boolean look(Path process, int pid, Map<Long, Set<Integer>> users) {
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path descriptor : descriptors) {
                long device = characterDevice(descriptor);
                if (device >= 0) {
                    users.computeIfAbsent(device, _ -> new TreeSet<>()).add(pid);
                }
            }
            return true;
        } catch (AccessDeniedException _) {
            return !Files.exists(process);
        } catch (IOException | DirectoryIteratorException _) {
            // It ended while it was looked at.
            return true;
        }
    }

    /** The number of the character device behind a descriptor; −1 for anything else. */
    private long characterDevice(Path descriptor) {
        try {
            String target = linux.files().readlinkat(Fd.CWD, descriptor.toString());
            if (!target.startsWith("/")) {
                return -1;
            }
            Optional<Statx> found = linux.files().statx(Fd.CWD, descriptor.toString(), DONT_SYNC);
            return found.filter(Statx::isCharDevice).map(Statx::rdev).orElse(-1L);
        } catch (ErrnoException _) {
            // Closed since the listing, or on a file system that does not answer: no device of
            // ours.
            return -1;
        }
    }
}
