package dev.berth.agent.tasks;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.linux.Linux;

import java.nio.file.Path;

/**
 * Keeps the output in one task's sandbox up to date: one copy at a time on the lane, and one more when it was asked for meanwhile.
 *
 * <p>Thread: conductor.
 */
final class OutputCopy {
    private final TaskHost host;
    private final Linux linux;
    private final Path log;
    private final Path sandbox;
    private final Path position;
    private boolean copying;
    private boolean again;
    private Runnable after = () -> {};

    OutputCopy(TaskHost host, Linux linux, Path log, Path sandbox, Path position) {
        this.host = host;
        this.linux = linux;
        this.log = log;
        this.sandbox = sandbox;
        this.position = position;
    }

    /** Runs {@code then} when all that was written before this call is in the sandbox. */
    void refresh(Runnable then) {
        Runnable before = after;
        after =
                () -> {
                    before.run();
                    then.run();
                };
        if (copying) {
            again = true;
        } else {
            copy();
        }
    }

    private void copy() {
        copying = true;
        host.onLane(() -> {
            try {
                TaskOutput.copy(linux, log, sandbox, position);
            } catch (AgentException e) {
                AgentLog.warn(e.chain());
            } catch (RuntimeException e) {
                // Whatever it is: the task's last update waits for the end of this copy.
                AgentLog.error("copy output into " + sandbox, e);
            }
            host.offer(this::copied);
        });
    }

    private void copied() {
        if (again) {
            again = false;
            copy();
            return;
        }
        copying = false;
        Runnable then = after;
        after = () -> {};
        then.run();
    }
}
