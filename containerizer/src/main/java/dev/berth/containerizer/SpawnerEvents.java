package dev.berth.containerizer;

import dev.berth.containerizer.launch.SpawnerClient;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;

/** Keeps the spawner's socket in the reactor and its identity in the exec-root. */
final class SpawnerEvents implements SpawnerClient.Listener {
    private final Linux linux;
    private final RunDirectories directories;
    private final Reactor reactor;
    Optional<Launches> launches = Optional.empty();
    private long token;

    SpawnerEvents(Linux linux, RunDirectories directories, Reactor reactor) {
        this.linux = linux;
        this.directories = directories;
        this.reactor = reactor;
    }

    @Override
    public void onSocket(Optional<OwnedFd> before, OwnedFd now, int pid) {
        before.ifPresent(b -> reactor.remove(token, b));
        try {
            // Every poll reads this socket: being in the epoll is only for the wake-up.
            token = reactor.add(now, () -> {});
            note(pid);
        } catch (ErrnoException e) {
            throw new UncheckedIOException(new IOException("watch the spawner", e));
        }
    }

    @Override
    public void onNetworkNamespace() {
        launches.ifPresent(Launches::onNetworkNamespace);
    }

    void note(int pid) throws ErrnoException {
        long startTime = linux.processes().startTime(pid).orElse(0L);
        directories.note(FormerSpawner.NOTE, pid + " " + startTime);
    }
}
