package dev.berth.agent.tasks;

import dev.berth.agent.conductor.Answer;

/**
 * Ends one container: SIGTERM, and SIGKILL after the grace period. Asked again, the grace period can only become shorter: a kill that a scheduler sends twice gives the task no more time.
 *
 * <p>Thread: conductor.
 */
final class Termination {
    private static final int SIGTERM = 15;
    private static final int SIGKILL = 9;

    private final TaskHost host;
    private final TaskEntry entry;
    private final TaskSteps steps;
    private Runnable cancel = () -> {};
    private boolean begun;
    private long begunNs;
    private long graceNs;

    Termination(TaskHost host, TaskEntry entry, TaskSteps steps) {
        this.host = host;
        this.entry = entry;
        this.steps = steps;
    }

    /** @param grace from the first call on; 0: SIGKILL now */
    void begin(long grace) {
        if (begun) {
            if (grace >= graceNs) {
                return;
            }
        } else {
            begun = true;
            begunNs = host.monotonicNs();
            if (grace > 0) {
                signal(SIGTERM);
            }
        }
        graceNs = grace;
        cancel.run();
        long leftNs = graceNs - (host.monotonicNs() - begunNs);
        if (leftNs <= 0) {
            signal(SIGKILL);
        } else {
            cancel = host.after(leftNs, () -> signal(SIGKILL));
        }
    }

    private void signal(int signal) {
        host.containers().kill(entry.container, signal, Answer.ignore());
        steps.reached(TaskStep.SIGNAL_ASKED, entry);
    }

    void stop() {
        cancel.run();
    }
}
