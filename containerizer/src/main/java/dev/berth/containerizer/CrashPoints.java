package dev.berth.containerizer;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;

import java.util.Optional;

/**
 * Dies by SIGKILL at the {@link CrashPoint} that the system property {@code berth.crash-at} names ({@code NAME}, or {@code NAME:3} for the third time). Without the property it costs a comparison.
 *
 * <p>Thread: conductor.
 */
final class CrashPoints {
    private static final int SIGKILL = 9;

    private final Linux linux;
    private final Optional<CrashPoint> fatal;
    private int remaining;

    private CrashPoints(Linux linux, Optional<CrashPoint> fatal, int times) {
        this.linux = linux;
        this.fatal = fatal;
        this.remaining = times;
    }

    static CrashPoints fromProperty(Linux linux) {
        String value = System.getProperty("berth.crash-at", "");
        if (value.isEmpty()) {
            return new CrashPoints(linux, Optional.empty(), 0);
        }
        int colon = value.indexOf(':');
        String name = colon < 0 ? value : value.substring(0, colon);
        int times = colon < 0 ? 1 : Integer.parseInt(value.substring(colon + 1));
        return new CrashPoints(linux, Optional.of(CrashPoint.valueOf(name)), times);
    }

    void reached(CrashPoint point) {
        if (fatal.isPresent() && fatal.get() == point && --remaining == 0) {
            die();
        }
    }

    private void die() {
        try {
            Optional<OwnedFd> self = linux.processes().pidfdOpen(linux.processes().getpid());
            if (self.isPresent()) {
                try (OwnedFd pidfd = self.get()) {
                    linux.processes().pidfdSendSignal(pidfd, SIGKILL);
                }
            }
        } catch (ErrnoException e) {
            throw new IllegalStateException("crash point " + fatal + " could not kill itself", e);
        }
    }
}
