package dev.berth.agent.device;

import dev.berth.gpu.ledger.GrantStep;
import dev.berth.gpu.ledger.GrantSteps;
import dev.berth.linux.Linux;
import dev.berth.linux.process.CrashAt;

/**
 * Dies at the {@link GrantStep} that the system property {@code berth.crash-at-grant} names.
 *
 * <p>Thread: conductor.
 */
public final class GrantCrash implements GrantSteps {
    private final CrashAt<GrantStep> crash;

    private GrantCrash(CrashAt<GrantStep> crash) {
        this.crash = crash;
    }

    public static GrantCrash fromProperty(Linux linux) {
        return new GrantCrash(CrashAt.property(linux, "berth.crash-at-grant", GrantStep.class));
    }

    @Override
    public void reached(GrantStep step) {
        crash.reached(step);
    }
}
