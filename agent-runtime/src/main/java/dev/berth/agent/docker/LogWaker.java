package dev.berth.agent.docker;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;

import io.netty.channel.IoEventLoop;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Wakes those who follow a log when its directory changes: one inotify descriptor for all. Thread: the loop's. */
final class LogWaker implements AutoCloseable {
    /** IN_MODIFY | IN_MOVED_TO | IN_CREATE | IN_ONLYDIR (inotify(7)). */
    private static final int MASK = 0x2 | 0x80 | 0x100 | 0x01000000;

    private static final int BUFFER_BYTES = 16384;

    private final Linux linux;
    private final OwnedFd inotify;
    private final FdWatch watch;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer = arena.allocate(BUFFER_BYTES, 8);
    private final Map<Integer, List<Runnable>> followers = new HashMap<>();

    /** Must be made on the loop. */
    LogWaker(Linux linux, IoEventLoop loop) throws AgentException {
        this.linux = linux;
        try {
            inotify = linux.files().inotifyInit();
            linux.files().setNonBlocking(inotify, true);
        } catch (ErrnoException e) {
            throw AgentException.failed("watch container logs", e);
        }
        watch = FdWatch.on(loop, inotify, FdWatch.READ_LEVEL, this::drain);
    }

    /** Runs {@code changed} after each change until the returned handle is run. The directory is made when it is missing. */
    Runnable follow(Path directory, Runnable changed) throws AgentException {
        int descriptor;
        try {
            Files.createDirectories(directory);
            descriptor = linux.files().inotifyAddWatch(inotify, Fd.CWD, directory.toString(), MASK);
        } catch (IOException | ErrnoException e) {
            throw AgentException.failed("follow log " + directory, e);
        }
        followers.computeIfAbsent(descriptor, _ -> new ArrayList<>()).add(changed);
        return () -> unfollow(descriptor, changed);
    }

    private void unfollow(int descriptor, Runnable changed) {
        List<Runnable> all = followers.get(descriptor);
        if (all == null || !all.remove(changed) || !all.isEmpty()) {
            return;
        }
        followers.remove(descriptor);
        try {
            linux.files().inotifyRemoveWatch(inotify, descriptor);
        } catch (ErrnoException _) {
            // The directory is gone, and its watch with it.
        }
    }

    private void drain() {
        try {
            while (true) {
                int length = linux.files().read(inotify, buffer);
                if (length <= 0) {
                    return;
                }
                int at = 0;
                while (at + 16 <= length) {
                    int descriptor = buffer.get(ValueLayout.JAVA_INT, at);
                    at += 16 + buffer.get(ValueLayout.JAVA_INT, at + 12L);
                    List.copyOf(followers.getOrDefault(descriptor, List.of()))
                            .forEach(Runnable::run);
                }
            }
        } catch (ErrnoException e) {
            AgentLog.error("read inotify", e);
        }
    }

    @Override
    public void close() {
        watch.cancel();
        inotify.close();
        arena.close();
    }
}
