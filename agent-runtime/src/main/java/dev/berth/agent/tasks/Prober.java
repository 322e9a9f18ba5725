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
import dev.berth.protocol.v1.Protos.CheckStatusInfo;
import dev.berth.protocol.v1.Protos.CommandInfo;
import dev.berth.protocol.v1.Protos.Environment;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Looks once at a target of a check.
 *
 * <p>Thread: conductor.
 */
final class Prober {
    private static final int SIGKILL = 9;
    private static final int LEAST_WELL = 200;
    private static final int MOST_WELL = 399;

    private final TaskHost host;
    private final Linux linux;
    private final String container;

    Prober(TaskHost host, Linux linux, String container) {
        this.host = host;
        this.linux = linux;
        this.container = container;
    }

    /**
     * What was seen.
     *
     * @param trouble empty when all is well
     * @param status in the words of a general check; as before the first look when there was no answer
     */
    record Outcome(String trouble, CheckStatusInfo status) {}

    /** Answers once; after {@code timeoutNs} at the latest. */
    void look(CheckTarget target, long timeoutNs, Consumer<Outcome> then) {
        switch (target) {
            case CheckTarget.Command(CommandInfo command) ->
                    new Command(target, then).run(command, timeoutNs);
            case CheckTarget.Http http ->
                    host.probes()
                            .look(
                                    new Probes.Target(http.host(), http.port(), http.path()),
                                    timeoutNs,
                                    seen -> then.accept(http(http, seen)));
            case CheckTarget.Tcp tcp ->
                    host.probes()
                            .look(
                                    new Probes.Target(tcp.host(), tcp.port(), ""),
                                    timeoutNs,
                                    seen -> then.accept(tcp(tcp, seen)));
        }
    }

    private static Outcome http(CheckTarget.Http target, Probes.Seen seen) {
        return switch (seen) {
            case Probes.Seen.Answered(int code) -> {
                CheckStatusInfo.Builder status = target.unknown().toBuilder();
                status.getHttpBuilder().setStatusCode(code);
                // Mesos looks at no other statuses, whatever the check lists.
                boolean well = code >= LEAST_WELL && code <= MOST_WELL;
                yield new Outcome(
                        well ? "" : "GET " + target.path() + " answers " + code, status.build());
            }
            case Probes.Seen.Failed(String why) -> new Outcome(why, target.unknown());
            case Probes.Seen.Connected() -> new Outcome("connected, but no HTTP", target.unknown());
        };
    }

    private static Outcome tcp(CheckTarget.Tcp target, Probes.Seen seen) {
        String trouble = seen instanceof Probes.Seen.Failed(String why) ? why : "";
        CheckStatusInfo.Builder status = target.unknown().toBuilder();
        status.getTcpBuilder().setSucceeded(trouble.isEmpty());
        return new Outcome(trouble, status.build());
    }

    /** One run of a check's command. */
    private final class Command implements ExecWatcher {
        private final CheckTarget target;
        private final Consumer<Outcome> then;
        private Runnable cancelLate = () -> {};
        private String exec = "";
        private boolean over;

        private Command(CheckTarget target, Consumer<Outcome> then) {
            this.target = target;
            this.then = then;
        }

        private void run(CommandInfo command, long timeoutNs) {
            cancelLate = host.at(host.monotonicNs() + timeoutNs, this::late);
            host.containers()
                    .execCreate(
                            container,
                            request(command),
                            new Answer<>() {
                                @Override
                                public void onResult(String id) {
                                    exec = id;
                                    start();
                                }

                                @Override
                                public void onFailure(AgentException failure) {
                                    failed(failure.chain());
                                }
                            });
        }

        /** A check that hangs must not pile up beside the next ones. */
        private void late() {
            kill();
            failed("timed out");
        }

        private void kill() {
            if (!exec.isEmpty()) {
                host.containers().execKill(exec, SIGKILL, Answer.ignore());
            }
        }

        private void start() {
            List<OwnedFd> streams = new ArrayList<>();
            try {
                for (int i = 0; i < 3; i++) {
                    streams.add(linux.files().openat(Fd.CWD, "/dev/null", Open.O_RDWR, 0));
                }
            } catch (ErrnoException e) {
                streams.forEach(OwnedFd::close);
                failed(String.valueOf(e.getMessage()));
                return;
            }
            host.containers().execStart(exec, streams, 0, 0, this);
        }

        private void failed(String why) {
            end(new Outcome(why, target.unknown()));
        }

        private void end(Outcome outcome) {
            if (!over) {
                over = true;
                cancelLate.run();
                then.accept(outcome);
            }
        }

        @Override
        public void onStarted(int pid, Optional<OwnedFd> terminal) {
            terminal.ifPresent(OwnedFd::close);
            if (over) {
                kill();
            }
        }

        @Override
        public void onFailed(AgentException failure) {
            failed(failure.chain());
        }

        @Override
        public void onEnded(int exitCode) {
            CheckStatusInfo.Builder status = target.unknown().toBuilder();
            status.getCommandBuilder().setExitCode(exitCode);
            end(new Outcome(exitCode == 0 ? "" : "exited with " + exitCode, status.build()));
        }
    }

    private static ExecRequest request(CommandInfo command) {
        List<String> argv = new ArrayList<>();
        if (command.getShell()) {
            argv.addAll(List.of("/bin/sh", "-c", command.getValue()));
        } else {
            argv.add(command.getValue());
            command.getArgumentsList().stream().skip(1).forEach(argv::add);
        }
        List<String> env = new ArrayList<>();
        for (Environment.Variable v : command.getEnvironment().getVariablesList()) {
            env.add(v.getName() + "=" + v.getValue());
        }
        return new ExecRequest(
                argv, env, "", command.getUser(), false, false, false, false, false, 0, 0, "");
    }
}
