package dev.berth.agent.conductor;

import dev.berth.isolator.ContainerId;

/**
 * An exec as it was at one moment.
 *
 * @param exitCode meaningful once {@code state} is ENDED; −1 when it was never started
 */
public record ExecView(
        String id, ContainerId container, ExecRequest request, State state, int pid, int exitCode) {
    /** From created to ended, once. */
    public enum State {
        CREATED,
        STARTING,
        RUNNING,
        ENDED
    }
}
