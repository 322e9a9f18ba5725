package dev.berth.containerizer;

import dev.berth.containerizer.Containerizer.ContainerEvent;
import dev.berth.containerizer.journal.JournalEntry;
import dev.berth.containerizer.launch.LaunchFailure;
import dev.berth.containerizer.launch.LaunchProgram;
import dev.berth.containerizer.launch.LaunchTimeline;
import dev.berth.containerizer.launch.MonitorMessage;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.Milestone;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.OwnedFd;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Listens to monitors and turns what they say into states and events.
 *
 * <p>Thread: conductor.
 */
final class Supervision implements Launches.Monitored {
    private static final int UNKNOWN = -1;

    private final Context context;
    private final Endings endings;

    Supervision(Context context) {
        this.context = context;
        this.endings = new Endings(context, this::execLost);
    }

    Endings endings() {
        return endings;
    }

    @Override
    public void onFailed(Run run, RunState.Outcome.Failure failure) {
        run.accept(new RunState.Input.Failed(failure));
        endings.advance(run);
    }

    @Override
    public void onMonitor(Run run) {
        while (run.process.monitor.isPresent()) {
            Optional<MonitorMessage> message = run.process.monitor.get().receive();
            if (message.isEmpty()) {
                return;
            }
            on(run, message.get());
        }
    }

    /** One message about the container's first process. */
    void on(Run run, MonitorMessage message) {
        switch (message) {
            case MonitorMessage.Started s -> started(run, s);
            case MonitorMessage.Failed f -> failed(run, f.section(), f.op(), f.errno());
            case MonitorMessage.Exited e -> exited(run, status(e));
            case MonitorMessage.State s -> {
                s.running().ifPresent(r -> started(run, r));
                s.ended().ifPresent(e -> on(run, e));
            }
            case MonitorMessage.Ack _ -> {
                // Requests are not waited for; a closed stdin or a resize has nothing to tell.
            }
            case MonitorMessage.Closed _ -> lost(run);
        }
    }

    private void started(Run run, MonitorMessage.Started s) {
        if (!(run.state instanceof RunState.Launching)) {
            s.pidfd().close();
            s.input().ifPresent(OwnedFd::close);
            return;
        }
        run.stamp("started received");
        context.crash.reached(CrashPoint.STARTED_RECEIVED);
        run.process.pidfd = Optional.of(s.pidfd());
        run.process.input = s.input();
        s.input().ifPresent(this::setNonBlocking);
        run.accept(new RunState.Input.Started(new RunState.Init(s.pid(), s.startTime())));
        context.note(new JournalEntry.Started(run.id(), s.pid(), s.startTime()));
        context.crash.reached(CrashPoint.STARTED_JOURNALED);
        List<String> warnings = context.cgroups.warnings(run.config.limits());
        context.events.add(
                new ContainerEvent.Started(run.id(), s.pid(), timeline(run, s.stamps()), warnings));
        if (run.killAsked) {
            kill(run);
        }
    }

    private void setNonBlocking(OwnedFd input) {
        try {
            context.linux.files().setNonBlocking(input, true);
        } catch (ErrnoException e) {
            context.complaints.accept("input of a container: " + Context.chain(e));
        }
    }

    private static LaunchTimeline timeline(Run run, List<Long> stamps) {
        List<LaunchTimeline.Stage> stages = new ArrayList<>(run.stages);
        for (int i = 0; i < stamps.size(); i++) {
            long at = stamps.get(i);
            if (at != 0) {
                Milestone.of(i).ifPresent(m -> stages.add(new LaunchTimeline.Stage(m.label(), at)));
            }
        }
        stages.sort(Comparator.comparingLong(LaunchTimeline.Stage::atNs));
        return new LaunchTimeline(List.copyOf(stages));
    }

    private void failed(Run run, int section, int op, int errno) {
        if (run.state instanceof RunState.Launching) {
            context.crash.reached(CrashPoint.EXITED_RECEIVED);
            onFailed(run, failure(run.program, section, op, errno));
        }
    }

    private static RunState.Outcome.Failure failure(
            Optional<LaunchProgram> program, int section, int op, int errno) {
        if (program.isEmpty()) {
            return new RunState.Outcome.Failure(
                    Launches.ENGINE_FAILURE,
                    "the launch failed while the agent was away: section "
                            + section
                            + ", op "
                            + op
                            + ", errno "
                            + errno);
        }
        LaunchFailure failure = program.get().explain(section, op, errno);
        return new RunState.Outcome.Failure(failure.code(), failure.message());
    }

    private static ExitStatus status(MonitorMessage.Exited e) {
        return new ExitStatus(e.waitStatus(), e.oom(), e.finishedNs(), e.userUs(), e.systemUs());
    }

    private void exited(Run run, ExitStatus status) {
        if (run.running()) {
            context.crash.reached(CrashPoint.EXITED_RECEIVED);
            run.accept(new RunState.Input.Exited(status));
            endings.advance(run);
        }
    }

    /** The socket ended without a last word: the record tells, or the kernel, or nobody. */
    private void lost(Run run) {
        Optional<ExitRecord> record = record(run, RunDirectories.RECORD);
        switch (run.state) {
            case RunState.Launching _ -> {
                if (record.isPresent() && record.get().failure().isPresent()) {
                    ExitRecord.LaunchFailure f = record.get().failure().get();
                    failed(run, f.section(), f.op(), f.errno());
                } else if (record.isPresent()) {
                    // It ran and ended, and the socket broke before STARTED was read.
                    run.accept(new RunState.Input.Started(new RunState.Init(0, 0)));
                    exited(run, record.get().status());
                } else {
                    onFailed(
                            run,
                            new RunState.Outcome.Failure(
                                    Launches.ENGINE_FAILURE,
                                    "the monitor was lost during the launch"));
                }
            }
            case RunState.Running _, RunState.Paused _ ->
                    exited(run, record.map(ExitRecord::status).orElseGet(() -> lostStatus(run)));
            case RunState.Planning _, RunState.Acquiring _, RunState.Ending _, RunState.Ended _ -> {
                // It has told its last word already.
            }
        }
        run.process.close(context.reactor);
    }

    private ExitStatus lostStatus(Run run) {
        context.complaints.accept(
                "monitor of container "
                        + run.id().shortForm()
                        + " was lost: the container is killed, its exit status may be unknown");
        kill(run);
        int status = run.process.pidfd.map(this::statusByPidfd).orElse(UNKNOWN);
        return new ExitStatus(status, false, nowNs(), 0, 0);
    }

    private int statusByPidfd(OwnedFd pidfd) {
        try {
            return context.linux.processes().pidfdExitStatus(pidfd).orElse(UNKNOWN);
        } catch (ErrnoException e) {
            return UNKNOWN;
        }
    }

    static long nowNs() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000_000L + now.getNano();
    }

    private Optional<ExitRecord> record(Run run, String name) {
        try {
            Optional<OwnedFd> directory = context.directories.openRun(run.id());
            if (directory.isEmpty()) {
                return Optional.empty();
            }
            try (OwnedFd open = directory.get()) {
                return context.directories.record(open, name);
            }
        } catch (ErrnoException e) {
            context.complaints.accept(
                    "exit record of " + run.id().shortForm() + ": " + Context.chain(e));
            return Optional.empty();
        }
    }

    /** Kills all processes of a run. */
    void kill(Run run) {
        try {
            context.cgroups.kill(run.id());
        } catch (IsolatorException e) {
            context.complaints.accept(Context.chain(e));
        }
    }

    @Override
    public void onExecMonitor(Run run, Run.ExecRun exec) {
        while (exec.process.monitor.isPresent()) {
            Optional<MonitorMessage> message = exec.process.monitor.get().receive();
            if (message.isEmpty()) {
                return;
            }
            onExec(run, exec, message.get());
        }
    }

    /** One message about a further process. */
    void onExec(Run run, Run.ExecRun exec, MonitorMessage message) {
        switch (message) {
            case MonitorMessage.Started s -> execStarted(run, exec, s);
            case MonitorMessage.Failed f -> {
                RunState.Outcome.Failure failure =
                        failure(exec.program, f.section(), f.op(), f.errno());
                execFailed(run, exec, failure);
            }
            case MonitorMessage.Exited e -> execExited(run, exec, status(e));
            case MonitorMessage.State s -> {
                s.running().ifPresent(r -> execStarted(run, exec, r));
                s.ended().ifPresent(e -> onExec(run, exec, e));
            }
            case MonitorMessage.Ack _ -> {
                // As above.
            }
            case MonitorMessage.Closed _ -> execLost(run, exec);
        }
    }

    private void execStarted(Run run, Run.ExecRun exec, MonitorMessage.Started s) {
        context.crash.reached(CrashPoint.EXEC_STARTED);
        exec.started = true;
        exec.process.pidfd = Optional.of(s.pidfd());
        Optional<OwnedFd> terminal = Optional.empty();
        if (exec.tty) {
            terminal = s.input();
            terminal.ifPresent(this::setNonBlocking);
        } else {
            s.input().ifPresent(OwnedFd::close);
        }
        context.events.add(new ContainerEvent.ExecStarted(run.id(), exec.id, s.pid(), terminal));
    }

    private void execFailed(Run run, Run.ExecRun exec, RunState.Outcome.Failure failure) {
        forget(run, exec);
        context.events.add(
                new ContainerEvent.ExecFailed(
                        run.id(), exec.id, failure.code(), failure.message()));
    }

    private void execExited(Run run, Run.ExecRun exec, ExitStatus status) {
        context.crash.reached(CrashPoint.EXEC_EXITED);
        forget(run, exec);
        context.events.add(new ContainerEvent.ExecExited(run.id(), exec.id, status));
    }

    private void execLost(Run run, Run.ExecRun exec) {
        Optional<ExitRecord> record = record(run, RunDirectories.execRecord(exec.id.value()));
        if (record.isPresent() && record.get().failure().isEmpty()) {
            execExited(run, exec, record.get().status());
        } else if (exec.started) {
            int status = exec.process.pidfd.map(this::statusByPidfd).orElse(UNKNOWN);
            execExited(run, exec, new ExitStatus(status, false, nowNs(), 0, 0));
        } else {
            execFailed(
                    run,
                    exec,
                    new RunState.Outcome.Failure(
                            Launches.ENGINE_FAILURE, "the monitor was lost during the launch"));
        }
    }

    private void forget(Run run, Run.ExecRun exec) {
        exec.process.close(context.reactor);
        run.execs.remove(exec.id);
        context.note(new JournalEntry.ExecEnded(run.id(), exec.id.value()));
        try {
            Optional<OwnedFd> directory = context.directories.openRun(run.id());
            if (directory.isPresent()) {
                try (OwnedFd open = directory.get()) {
                    context.directories.removeName(
                            open, RunDirectories.execRecord(exec.id.value()));
                }
            }
        } catch (ErrnoException e) {
            context.complaints.accept(
                    "exit record of an exec in " + run.id().shortForm() + ": " + Context.chain(e));
        }
        endings.advance(run);
    }
}
