package dev.berth.agent.tasks;

import dev.berth.agent.config.AgentException;
import dev.berth.protocol.v1.Protos.CheckInfo;
import dev.berth.protocol.v1.Protos.CheckStatusInfo;
import dev.berth.protocol.v1.Protos.HealthCheck;
import dev.berth.protocol.v1.Protos.TaskInfo;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * The checks of one running task. Of health: so many failures in a row end the task, but those within the grace period before the first success do not count. General ones only report what they see.
 *
 * <p>Thread: conductor.
 */
final class TaskChecks {
    private static final double NANOS = 1e9;
    private static final double ENDLESS_SECONDS = 1e6;

    /** Between two looks: a check without an interval would keep the agent busy with itself. */
    private static final double LEAST_SECONDS = 0.05;

    private final TaskHost host;
    private final Prober prober;
    private final List<Rounds> rounds = new ArrayList<>();

    /** Told of what the checks find. */
    interface Listener {
        void onHealth(boolean healthy, String why);

        /** The task is to be ended. */
        void onGivenUp(String why);

        void onCheck(CheckStatusInfo status);
    }

    private TaskChecks(TaskHost host, Prober prober) {
        this.host = host;
        this.prober = prober;
    }

    /**
     * Begins them.
     *
     * @param runNs how long the task has been running: above zero when an earlier agent began
     * @param everHealthy whether it has been found healthy before
     * @throws AgentException for a check that cannot be made
     */
    static TaskChecks start(
            TaskInfo task,
            Prober prober,
            TaskHost host,
            Listener listener,
            long runNs,
            boolean everHealthy)
            throws AgentException {
        TaskChecks made = new TaskChecks(host, prober);
        if (task.hasHealthCheck()) {
            HealthCheck check = task.getHealthCheck();
            Health health =
                    new Health(
                            check,
                            listener,
                            host.monotonicNs() - runNs + ns(check.getGracePeriodSeconds()),
                            everHealthy);
            made.begin(
                    CheckTarget.of(check),
                    check.getDelaySeconds() - runNs / NANOS,
                    check.getIntervalSeconds(),
                    check.getTimeoutSeconds(),
                    outcome -> health.take(outcome, host.monotonicNs(), made));
        }
        if (task.hasCheck()) {
            CheckInfo check = task.getCheck();
            made.begin(
                    CheckTarget.of(check),
                    check.getDelaySeconds() - runNs / NANOS,
                    check.getIntervalSeconds(),
                    check.getTimeoutSeconds(),
                    outcome -> listener.onCheck(outcome.status()));
        }
        return made;
    }

    private void begin(
            CheckTarget target,
            double delay,
            double interval,
            double timeout,
            Consumer<Prober.Outcome> take) {
        Rounds made =
                new Rounds(target, interval, ns(timeout > 0 ? timeout : ENDLESS_SECONDS), take);
        rounds.add(made);
        made.later(delay);
    }

    /** No outcome is told any more. */
    void stop() {
        rounds.forEach(Rounds::stop);
    }

    private static long ns(double seconds) {
        return (long) (Math.clamp(seconds, 0, 1e9) * NANOS);
    }

    /** One look after the other; the interval begins when a look has ended. */
    private final class Rounds {
        private final CheckTarget target;
        private final double interval;
        private final long timeoutNs;
        private final Consumer<Prober.Outcome> take;
        private Runnable cancel = () -> {};
        private boolean stopped;

        private Rounds(
                CheckTarget target,
                double interval,
                long timeoutNs,
                Consumer<Prober.Outcome> take) {
            this.target = target;
            this.interval = interval;
            this.timeoutNs = timeoutNs;
            this.take = take;
        }

        private void later(double seconds) {
            cancel =
                    host.at(
                            host.monotonicNs() + ns(seconds),
                            () -> prober.look(target, timeoutNs, this::ended));
        }

        private void ended(Prober.Outcome outcome) {
            if (stopped) {
                return;
            }
            take.accept(outcome);
            if (!stopped) {
                later(Math.max(LEAST_SECONDS, interval));
            }
        }

        private void stop() {
            stopped = true;
            cancel.run();
        }
    }

    /** As Mesos: told at the first success, at each that counts as a failure, and at the first success after failures. */
    private static final class Health {
        private final HealthCheck check;
        private final Listener listener;
        private final long graceEndsNs;
        private boolean everHealthy;
        private boolean told;
        private int failures;

        private Health(
                HealthCheck check, Listener listener, long graceEndsNs, boolean everHealthy) {
            this.check = check;
            this.listener = listener;
            this.graceEndsNs = graceEndsNs;
            this.everHealthy = everHealthy;
            told = everHealthy;
        }

        private void take(Prober.Outcome outcome, long nowNs, TaskChecks all) {
            if (outcome.trouble().isEmpty()) {
                boolean news = !told || failures > 0;
                failures = 0;
                everHealthy = true;
                told = true;
                if (news) {
                    listener.onHealth(true, "");
                }
                return;
            }
            if (!everHealthy && nowNs < graceEndsNs) {
                return;
            }
            failures++;
            listener.onHealth(false, outcome.trouble());
            if (failures >= check.getConsecutiveFailures()) {
                all.stop();
                listener.onGivenUp(outcome.trouble());
            }
        }
    }
}
