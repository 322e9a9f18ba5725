package dev.berth.agent.tasks;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.containerizer.log.LogPosition;
import dev.berth.linux.Linux;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

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
    private final List<Runnable> after = new ArrayList<>();
    private boolean copying;
    private boolean again;

    OutputCopy(TaskHost host, Linux linux, Path log, Path sandbox, Path position) {
        this.host = host;
        this.linux = linux;
        this.log = log;
        this.sandbox = sandbox;
        this.position = position;
    }

    /** Begins a copy, unless one is under way. */
    void refresh() {
        if (!copying) {
            copying = true;
            copy(Optional.empty());
        }
    }

    /** Runs {@code then} when all that was written before this call is in the sandbox. */
    void refresh(Runnable then) {
        after.add(then);
        again |= copying;
        refresh();
    }

    /** One turn on the lane; what is left waits behind the turns of others. */
    private void copy(Optional<LogPosition> until) {
        host.onLane(() -> {
            Optional<LogPosition> left = Optional.empty();
            try {
                left = TaskOutput.copy(linux, log, sandbox, position, until);
            } catch (AgentException e) {
                AgentLog.warn(e.chain());
            } catch (RuntimeException e) {
                // Whatever it is: the task's last update waits for the end of this copy.
                AgentLog.error("copy output into " + sandbox, e);
            }
            Optional<LogPosition> next = left;
            host.offer(() -> copied(next));
        });
    }

    private void copied(Optional<LogPosition> left) {
        if (left.isPresent() || again) {
            again &= left.isPresent();
            copy(left);
            return;
        }
        copying = false;
        List<Runnable> then = List.copyOf(after);
        after.clear();
        then.forEach(Runnable::run);
    }
}
