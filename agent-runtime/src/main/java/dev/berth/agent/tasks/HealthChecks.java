package dev.berth.agent.tasks;

import dev.berth.agent.conductor.Answer;
import dev.berth.agent.conductor.ExecRequest;
import dev.berth.agent.conductor.ExecWatcher;
import dev.berth.agent.config.AgentException;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.protocol.v1.Protos.Environment;
import dev.berth.protocol.v1.Protos.HealthCheck;
import dev.berth.protocol.v1.Protos.NetworkInfo;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The health check of one running task: after a delay, then at an interval; so many failures in a row end the task, but none within the grace period before the first success.
 *
 * <p>Thread: conductor.
 */
final class HealthChecks {
    private static final double NANOS = 1e9;

    private final HealthCheck check;
    private final String container;
    private final TaskHost host;
    private final Linux linux;
    private final Listener listener;
    private final long begunNs;
    private Runnable cancel = () -> {};
    private boolean stopped;
    private boolean everHealthy;
    private int failures;
    private int round;

    /** Told of the outcome. */
    interface Listener {
        void onHealth(boolean healthy, String why);

        void onGivenUp(String why);
    }

    HealthChecks(
            HealthCheck check, String container, TaskHost host, Linux linux, Listener listener) {
        this.check = check;
        this.container = container;
        this.host = host;
        this.linux = linux;
        this.listener = listener;
        begunNs = host.monotonicNs();
    }

    /** Refuses a check that cannot be made. */
    static void validate(HealthCheck check) throws AgentException {
        switch (check.getType()) {
            case COMMAND -> {
                if (check.getCommand().getShell() && !check.getCommand().hasValue()) {
                    throw AgentException.invalid("health_check.command has no value");
                }
            }
            case HTTP -> {
                if (!check.hasHttp()) {
                    throw AgentException.invalid("health_check of type HTTP without http");
                }
                if (check.getHttp().getScheme().equals("https")) {
                    throw AgentException.refused("health_check.http.scheme https", "use http");
                }
            }
            case TCP -> {
                if (!check.hasTcp()) {
                    throw AgentException.invalid("health_check of type TCP without tcp");
                }
            }
            case UNKNOWN -> throw AgentException.invalid("health_check.type is missing or unknown");
        }
    }

    void start() {
        later(check.getDelaySeconds());
    }

    void stop() {
        stopped = true;
        cancel.run();
    }

    private void later(double seconds) {
        if (!stopped) {
            cancel = host.at(host.monotonicNs() + ns(seconds), this::look);
        }
    }

    private static long ns(double seconds) {
        return (long) (Math.clamp(seconds, 0, 1e9) * NANOS);
    }

    private void look() {
        int mine = ++round;
        long timeout = ns(check.getTimeoutSeconds() > 0 ? check.getTimeoutSeconds() : 1e6);
        switch (check.getType()) {
            case HTTP ->
                    host.probes()
                            .look(
                                    new Probes.Target(
                                            loopback(check.getHttp().getProtocol()),
                                            check.getHttp().getPort(),
                                            check.getHttp().hasPath()
                                                    ? check.getHttp().getPath()
                                                    : "/"),
                                    timeout,
                                    why -> ended(mine, why));
            case TCP ->
                    host.probes()
                            .look(
                                    new Probes.Target(
                                            loopback(check.getTcp().getProtocol()),
                                            check.getTcp().getPort(),
                                            ""),
                                    timeout,
                                    why -> ended(mine, why));
            case COMMAND, UNKNOWN -> command(mine, timeout);
        }
    }

    private static String loopback(NetworkInfo.Protocol protocol) {
        return protocol == NetworkInfo.Protocol.IPv6 ? "::1" : "127.0.0.1";
    }

    private void command(int mine, long timeoutNs) {
        List<String> argv = new ArrayList<>();
        if (check.getCommand().getShell()) {
            argv.addAll(List.of("/bin/sh", "-c", check.getCommand().getValue()));
        } else {
            argv.add(check.getCommand().getValue());
            check.getCommand().getArgumentsList().stream().skip(1).forEach(argv::add);
        }
        List<String> env = new ArrayList<>();
        for (Environment.Variable v : check.getCommand().getEnvironment().getVariablesList()) {
            env.add(v.getName() + "=" + v.getValue());
        }
        ExecRequest request =
                new ExecRequest(
                        argv,
                        env,
                        "",
                        check.getCommand().getUser(),
                        false,
                        false,
                        false,
                        false,
                        false,
                        0,
                        0,
                        "");
        // A check that hangs is not waited for; what it started ends with the container.
        Runnable late = host.at(host.monotonicNs() + timeoutNs, () -> ended(mine, "timed out"));
        host.containers()
                .execCreate(
                        container,
                        request,
                        new Answer<>() {
                            @Override
                            public void onResult(String id) {
                                start(id, mine, late);
                            }

                            @Override
                            public void onFailure(AgentException failure) {
                                late.run();
                                ended(mine, failure.chain());
                            }
                        });
    }

    private void start(String id, int mine, Runnable late) {
        List<OwnedFd> streams = new ArrayList<>();
        try {
            for (int i = 0; i < 3; i++) {
                streams.add(linux.files().openat(Fd.CWD, "/dev/null", Open.O_RDWR, 0));
            }
        } catch (ErrnoException e) {
            streams.forEach(OwnedFd::close);
            late.run();
            ended(mine, String.valueOf(e.getMessage()));
            return;
        }
        host.containers()
                .execStart(
                        id,
                        streams,
                        0,
                        0,
                        new ExecWatcher() {
                            @Override
                            public void onStarted(int pid, Optional<OwnedFd> terminal) {
                                terminal.ifPresent(OwnedFd::close);
                            }

                            @Override
                            public void onFailed(AgentException failure) {
                                late.run();
                                ended(mine, failure.chain());
                            }

                            @Override
                            public void onEnded(int exitCode) {
                                late.run();
                                ended(mine, exitCode == 0 ? "" : "exited with " + exitCode);
                            }
                        });
    }

    private void ended(int mine, String why) {
        if (stopped || mine != round) {
            return;
        }
        round++;
        if (why.isEmpty()) {
            failures = 0;
            everHealthy = true;
            listener.onHealth(true, "");
        } else {
            boolean grace =
                    !everHealthy
                            && host.monotonicNs() - begunNs
                                    < ns(check.getDelaySeconds())
                                            + ns(check.getGracePeriodSeconds());
            if (!grace) {
                failures++;
                listener.onHealth(false, why);
                if (failures >= check.getConsecutiveFailures()) {
                    stop();
                    listener.onGivenUp(why);
                    return;
                }
            }
        }
        later(check.getIntervalSeconds());
    }
}
