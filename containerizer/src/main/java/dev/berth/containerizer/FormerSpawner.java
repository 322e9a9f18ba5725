package dev.berth.containerizer;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Poll;
import dev.berth.linux.Signal;

import java.util.Optional;

/** Makes sure that the spawner of an agent that died is gone, so that no launch of it can come up after recovery has looked. Thread: conductor, at start. */
final class FormerSpawner {
    static final String NOTE = "spawner";
    private static final int PATIENCE_MS = 2000;

    private final Linux linux;
    private final RunDirectories directories;

    FormerSpawner(Linux linux, RunDirectories directories) {
        this.linux = linux;
        this.directories = directories;
    }

    /** It ends by itself when its agent's socket does, after the launches that are queued there; one that does not is killed. */
    void end() throws ErrnoException {
        String[] words = directories.noted(NOTE).split(" ");
        if (words.length != 2) {
            return;
        }
        int pid;
        long startTime;
        try {
            pid = Integer.parseInt(words[0]);
            startTime = Long.parseLong(words[1]);
        } catch (NumberFormatException e) {
            return;
        }
        Optional<OwnedFd> process = linux.processes().pidfdOpen(pid);
        if (process.isEmpty()) {
            return;
        }
        try (OwnedFd pidfd = process.get()) {
            // The pid may belong to somebody else by now: the start time tells.
            if (linux.processes().startTime(pid).orElse(-1L) != startTime) {
                return;
            }
            if (linux.processes().poll(pidfd, Poll.POLLIN, PATIENCE_MS) == 0) {
                linux.processes().pidfdSendSignal(pidfd, Signal.SIGKILL);
                linux.processes().poll(pidfd, Poll.POLLIN, PATIENCE_MS);
            }
        }
    }
}
