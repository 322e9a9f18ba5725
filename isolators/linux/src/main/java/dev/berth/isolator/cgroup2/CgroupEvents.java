package dev.berth.isolator.cgroup2;

import dev.berth.isolator.ContainerId;
import dev.berth.linux.Errno;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Files;
import dev.berth.linux.Inotify;
import dev.berth.linux.OwnedFd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * One inotify descriptor for the {@code cgroup.events} and {@code memory.events} of all containers: readable when a container became empty, was frozen or thawed, or ran out of memory.
 *
 * <p>Thread: conductor.
 */
final class CgroupEvents implements AutoCloseable {
    private static final int BUFFER_BYTES = 16 << 10;
    private static final int EVENT_BYTES = 16;

    private static final List<String> NO_MEMORY = List.of("cgroup.events");

    private final Files files;
    private final OwnedFd inotify;
    private final MemorySegment buffer = Arena.ofAuto().allocate(BUFFER_BYTES, 8);
    private final Map<Integer, ContainerId> byWatch = new HashMap<>();
    private final Map<ContainerId, List<Integer>> byContainer = new HashMap<>();

    CgroupEvents(Files files) throws ErrnoException {
        this.files = files;
        this.inotify = files.inotifyInit();
        files.setNonBlocking(inotify, true);
    }

    Fd fd() {
        return inotify;
    }

    /** {@code memory}: whether there is a memory controller, whose file is watched too. */
    void watch(ContainerId id, Fd directory, boolean memory) throws ErrnoException {
        List<Integer> watches = byContainer.computeIfAbsent(id, _ -> new ArrayList<>());
        for (String file : memory ? List.of("cgroup.events", "memory.events") : NO_MEMORY) {
            try {
                int watch = files.inotifyAddWatch(inotify, directory, file, Inotify.IN_MODIFY);
                byWatch.put(watch, id);
                watches.add(watch);
            } catch (ErrnoException e) {
                if (e.errno() != Errno.ENOENT) {
                    throw e; // made by an agent that had no memory controller
                }
            }
        }
    }

    void unwatch(ContainerId id) throws ErrnoException {
        List<Integer> watches = byContainer.remove(id);
        if (watches != null) {
            for (int watch : watches) {
                byWatch.remove(watch);
                try {
                    files.inotifyRemoveWatch(inotify, watch);
                } catch (ErrnoException e) {
                    if (e.errno() != Errno.EINVAL) {
                        throw e; // the directory is gone already, and the watch with it
                    }
                }
            }
        }
    }

    /** Reads all that is there; tells each container once an event. An overflow of the kernel's queue tells all. */
    int drain(Consumer<ContainerId> changed) throws ErrnoException {
        int count = 0;
        for (int read = files.read(inotify, buffer); read > 0; read = files.read(inotify, buffer)) {
            for (int at = 0; at + EVENT_BYTES <= read; ) {
                int watch = buffer.get(ValueLayout.JAVA_INT, at);
                int mask = buffer.get(ValueLayout.JAVA_INT, at + 4);
                at += EVENT_BYTES + buffer.get(ValueLayout.JAVA_INT, at + 12);
                count++;
                ContainerId id = byWatch.get(watch);
                if (id != null) {
                    changed.accept(id);
                } else if ((mask & Inotify.IN_Q_OVERFLOW) != 0) {
                    List.copyOf(byContainer.keySet()).forEach(changed);
                }
            }
        }
        return count;
    }

    @Override
    public void close() {
        inotify.close();
    }
}
