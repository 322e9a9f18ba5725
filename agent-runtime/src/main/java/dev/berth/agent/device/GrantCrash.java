package dev.berth.agent.device;

import dev.berth.gpu.ledger.GrantStep;
import dev.berth.gpu.ledger.GrantSteps;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;

import java.util.Optional;

/**
 * Dies by SIGKILL at the {@link GrantStep} that the system property {@code berth.crash-at-grant} names ({@code NAME}, or {@code NAME:3} for the third time). Without the property it costs a comparison.
 *
 * <p>Thread: conductor.
 */
public final class GrantCrash implements GrantSteps {
    private static final int SIGKILL = 9;

    private final Linux linux;
    private final Optional<GrantStep> fatal;
    private int remaining;

    private GrantCrash(Linux linux, Optional<GrantStep> fatal, int times) {
        this.linux = linux;
        this.fatal = fatal;
        this.remaining = times;
    }

    public static GrantCrash fromProperty(Linux linux) {
        String value = System.getProperty("berth.crash-at-grant", "");
        if (value.isEmpty()) {
            return new GrantCrash(linux, Optional.empty(), 0);
        }
        int colon = value.indexOf(':');
        String name = colon < 0 ? value : value.substring(0, colon);
        int times = colon < 0 ? 1 : Integer.parseInt(value.substring(colon + 1));
        return new GrantCrash(linux, Optional.of(GrantStep.valueOf(name)), times);
    }

    @Override
    public void reached(GrantStep step) {
        if (fatal.isPresent() && fatal.get() == step && --remaining == 0) {
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
