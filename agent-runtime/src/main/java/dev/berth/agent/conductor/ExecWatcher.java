package dev.berth.agent.conductor;

import dev.berth.agent.config.AgentException;
import dev.berth.linux.OwnedFd;

import java.util.Optional;

/** Told about one exec: {@code onStarted} and {@code onEnded}, or {@code onFailed}. */
public interface ExecWatcher {
    /** {@code terminal} is the pty's master, which the receiver owns. */
    void onStarted(int pid, Optional<OwnedFd> terminal);

    void onFailed(AgentException failure);

    void onEnded(int exitCode);
}
