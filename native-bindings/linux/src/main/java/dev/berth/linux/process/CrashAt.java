package dev.berth.linux.process;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Signal;

import java.util.Optional;

/**
 * Dies by SIGKILL at the step that a system property names ({@code NAME}, or {@code NAME:3} for the third time), for tests of recovery. Without the property a step costs a comparison.
 *
 * <p>Thread: one.
 */
public final class CrashAt<E extends Enum<E>> {
    private final Linux linux;
    private final Optional<E> fatal;
    private int remaining;

    private CrashAt(Linux linux, Optional<E> fatal, int times) {
        this.linux = linux;
        this.fatal = fatal;
        this.remaining = times;
    }

    /**
     * Reads the property once.
     *
     * @throws IllegalArgumentException when it names none of the steps
     */
    public static <E extends Enum<E>> CrashAt<E> property(
            Linux linux, String property, Class<E> steps) {
        String value = System.getProperty(property, "");
        if (value.isEmpty()) {
            return new CrashAt<E>(linux, Optional.empty(), 0);
        }
        int colon = value.indexOf(':');
        String name = colon < 0 ? value : value.substring(0, colon);
        int times = colon < 0 ? 1 : Integer.parseInt(value.substring(colon + 1));
        return new CrashAt<E>(linux, Optional.of(Enum.valueOf(steps, name)), times);
    }

    public void reached(E step) {
        if (fatal.isPresent() && fatal.get() == step && --remaining == 0) {
            die();
        }
    }

    private void die() {
        try {
            Optional<OwnedFd> self = linux.processes().pidfdOpen(linux.processes().getpid());
            if (self.isPresent()) {
                try (OwnedFd pidfd = self.get()) {
                    linux.processes().pidfdSendSignal(pidfd, Signal.SIGKILL);
                }
            }
        } catch (ErrnoException e) {
            throw new IllegalStateException("crash point " + fatal + " could not kill itself", e);
        }
    }
}
