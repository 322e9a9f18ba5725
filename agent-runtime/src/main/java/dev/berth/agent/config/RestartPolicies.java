package dev.berth.agent.config;

import java.util.concurrent.TimeUnit;

/**
 * Whether and when an ended container is started again: 100 ms, doubling to at most a minute, back to 100 ms once a run lasted ten seconds; {@code on-failure} only for exit codes other than 0 and at
 * most as often as asked; {@code unless-stopped} and {@code always} not after a stop by a user.
 */
public final class RestartPolicies {
    private static final long FIRST_NS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long LONGEST_NS = TimeUnit.MINUTES.toNanos(1);
    private static final long STEADY_NS = TimeUnit.SECONDS.toNanos(10);

    private RestartPolicies() {}

    static void check(ContainerSpec spec) throws AgentException {
        String name = spec.restartPolicy();
        int retries = spec.maximumRetries();
        switch (name) {
            case "no", "always", "unless-stopped" -> {
                if (retries != 0) {
                    throw AgentException.invalid(
                            "invalid restart policy: maximum retry count can only be used with 'on-failure'");
                }
            }
            case "on-failure" -> {
                if (retries < 0) {
                    throw AgentException.invalid(
                            "invalid restart policy: maximum retry count cannot be negative");
                }
            }
            default ->
                    throw AgentException.invalid(
                            "invalid restart policy: unknown policy '"
                                    + name
                                    + "'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'");
        }
        if (spec.autoRemove() && !name.equals("no")) {
            throw AgentException.invalid("can't create 'AutoRemove' container with restart policy");
        }
    }

    /** Whether a container that ended so starts again. */
    public static boolean restarts(
            ContainerSpec spec, int exitCode, int restartsSoFar, boolean stoppedByUser) {
        if (stoppedByUser) {
            return false;
        }
        return switch (spec.restartPolicy()) {
            case "always", "unless-stopped" -> true;
            case "on-failure" ->
                    exitCode != 0
                            && (spec.maximumRetries() == 0
                                    || restartsSoFar < spec.maximumRetries());
            default -> false;
        };
    }

    /** The pause before the next start. */
    public static long delayNs(long lastDelayNs, long runLastedNs) {
        if (lastDelayNs == 0 || runLastedNs >= STEADY_NS) {
            return FIRST_NS;
        }
        return Math.min(LONGEST_NS, lastDelayNs * 2);
    }
}
