package dev.berth.containerizer;

import dev.berth.containerizer.Containerizer.ContainerEvent;
import dev.berth.containerizer.Containerizer.KnownContainer;
import dev.berth.containerizer.journal.JournalEntry;
import dev.berth.containerizer.launch.MonitorClient;
import dev.berth.containerizer.launch.MonitorMessage;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchPlan;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Poll;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Finds again what a former agent left: runs whose monitors answer are adopted, ends of the meantime become events, and what the caller does not know is destroyed, inside our own roots and nowhere else.
 *
 * <p>Thread: conductor, once, before anything else; it may wait, bounded.
 */
final class Recovery {
    private static final int ANSWER_PATIENCE_MS = 1000;
    private static final long SOCKET_PATIENCE_NS = 300_000_000L;
    private static final long GONE_PATIENCE_NS = 5_000_000_000L;
    private static final int PAUSE_MS = 2;

    private final Context context;
    private final Supervision supervision;
    private final LiveDevices liveDevices;

    Recovery(Context context, Supervision supervision, LiveDevices liveDevices) {
        this.context = context;
        this.supervision = supervision;
        this.liveDevices = liveDevices;
    }

    void recover(List<KnownContainer> known) throws ContainerizerException {
        Map<ContainerId, KnownContainer> byId = new LinkedHashMap<>();
        known.forEach(k -> byId.put(k.config().id(), k));
        try {
            Set<ContainerId> present = new HashSet<>(context.directories.presentRuns());
            present.addAll(context.journal.containers());
            present.addAll(context.cgroups.present());
            // Adopting the cgroups first makes kill and populated work for all that follows.
            adoptCgroups(present);
            for (ContainerId id : present) {
                if (!byId.containsKey(id)) {
                    destroy(id);
                    context.note(new JournalEntry.Forgotten(id));
                }
            }
            for (KnownContainer container : known) {
                recover(container);
            }
        } catch (ErrnoException | IsolatorException e) {
            throw new ContainerizerException("recover the containers", e);
        }
    }

    private void adoptCgroups(Set<ContainerId> present) throws IsolatorException {
        for (Isolator isolator : context.isolators) {
            isolator.recover(Set.copyOf(present), Set.of());
        }
    }

    private void recover(KnownContainer container) throws ErrnoException, IsolatorException {
        ContainerId id = container.config().id();
        Optional<JournalEntry.Ended> ended = context.journal.ended(id);
        if (ended.isPresent()) {
            destroy(id);
            if (container.started()) {
                context.events.add(ended(id, ended.get()));
            }
            return;
        }
        List<JournalEntry> entries =
                context.journal.sameBoot() ? context.journal.entries(id) : List.of();
        if (entries.isEmpty()) {
            destroy(id);
            if (container.started()) {
                context.events.add(new ContainerEvent.Exited(id, unknown()));
            }
            return;
        }
        boolean ran = entries.stream().anyMatch(e -> e instanceof JournalEntry.Started);
        if (!adopt(container, ran)) {
            finishLost(container, ran);
        }
        adoptExecs(id, entries);
    }

    /** An end of the meantime: the record, or what can be said without one, as if the monitor had said it now. */
    private void finishLost(KnownContainer container, boolean ran)
            throws ErrnoException, IsolatorException {
        Run run = launching(container);
        Optional<ExitRecord> record = record(run.id());
        context.runs.put(run.id(), run);
        if (record.isPresent() && record.get().failure().isPresent()) {
            ExitRecord.LaunchFailure f = record.get().failure().get();
            supervision.on(
                    run, new MonitorMessage.Failed(f.section(), f.op(), f.errno(), List.of()));
        } else if (record.isPresent() || ran) {
            // As after the loss of a monitor: whatever is left of the container is killed.
            context.cgroups.kill(run.id());
            run.accept(new RunState.Input.Started(init(run.id())));
            run.accept(new RunState.Input.Exited(record.map(ExitRecord::status).orElse(unknown())));
            supervision.endings().advance(run);
        } else {
            context.cgroups.kill(run.id());
            supervision.onFailed(
                    run,
                    new RunState.Outcome.Failure(
                            Launches.ENGINE_FAILURE, "the agent ended during the launch"));
        }
    }

    private RunState.Init init(ContainerId id) {
        for (JournalEntry entry : context.journal.entries(id)) {
            if (entry instanceof JournalEntry.Started s) {
                return new RunState.Init(s.pid(), s.startTime());
            }
        }
        return new RunState.Init(0, 0);
    }

    private static ContainerEvent ended(ContainerId id, JournalEntry.Ended e) {
        if (e.failed()) {
            return new ContainerEvent.StartFailed(
                    id, Launches.ENGINE_FAILURE, "the launch failed before the agent ended");
        }
        return new ContainerEvent.Exited(
                id,
                new ExitStatus(
                        e.waitStatus(), e.oomKilled(), e.finishedNs(), e.userUs(), e.systemUs()));
    }

    private static ExitStatus unknown() {
        return new ExitStatus(-1, false, Supervision.nowNs(), 0, 0);
    }

    private static Run launching(KnownContainer container) {
        Run run = new Run(container.config(), new Containerizer.LogLimits(0, 1));
        LaunchPlan plan =
                new LaunchPlan(
                        run.id().value(),
                        false,
                        Set.of(),
                        List.of(),
                        List.of(),
                        Map.of(),
                        Set.of());
        run.accept(new RunState.Input.Planned(plan));
        run.accept(new RunState.Input.Sent());
        return run;
    }

    private Optional<ExitRecord> record(ContainerId id) throws ErrnoException {
        Optional<OwnedFd> directory = context.directories.openRun(id);
        if (directory.isEmpty()) {
            return Optional.empty();
        }
        try (OwnedFd open = directory.get()) {
            return context.directories.record(open, RunDirectories.RECORD);
        }
    }

    /** Connects to the monitor, if there is one; true when it has answered. */
    private boolean adopt(KnownContainer container, boolean ran)
            throws ErrnoException, IsolatorException {
        Run run = launching(container);
        Optional<OwnedFd> directory = context.directories.openRun(run.id());
        if (directory.isEmpty()) {
            return false;
        }
        try (OwnedFd open = directory.get()) {
            Optional<MonitorClient> client = connect(open, ran);
            if (client.isEmpty()) {
                return false;
            }
            Optional<MonitorMessage> answer = answer(client.get());
            if (answer.isEmpty() || answer.get() instanceof MonitorMessage.Closed) {
                client.get().close();
                return false;
            }
            context.runs.put(run.id(), run);
            run.process.watch(context.reactor, client.get(), () -> supervision.onMonitor(run));
            supervision.on(run, answer.get());
            if (run.running()) {
                adoptRoot(run);
                adoptPause(run);
                liveDevices.adopt(run);
            }
            return true;
        }
    }

    private void adoptRoot(Run run) {
        int pid = run.init().orElseThrow().pid();
        try {
            OwnedFd root =
                    context.linux
                            .files()
                            .openat(
                                    Fd.CWD,
                                    "/proc/" + pid + "/root",
                                    Open.O_PATH | Open.O_DIRECTORY,
                                    0);
            // The pidfd tells whether the pid was still that process's when it was opened.
            if (context.linux.processes().pidfdSendSignal(run.process.pidfd.orElseThrow(), 0)) {
                context.roots.adopt(run.id(), root);
            } else {
                root.close();
            }
        } catch (ErrnoException e) {
            context.complaints.accept(
                    "root of "
                            + run.id().shortForm()
                            + " cannot be looked into: "
                            + Context.chain(e));
        }
    }

    private void adoptPause(Run run) throws IsolatorException {
        if (context.cgroups.frozen(run.id())) {
            run.accept(new RunState.Input.Frozen());
            context.events.add(new ContainerEvent.Paused(run.id(), true));
        }
    }

    /** Between the fork of a monitor and its socket there is a moment; a run that was begun and has neither socket nor record gets that moment. */
    private Optional<MonitorClient> connect(OwnedFd directory, boolean ran) throws ErrnoException {
        long deadline = System.nanoTime() + (ran ? 0 : SOCKET_PATIENCE_NS);
        while (true) {
            Optional<MonitorClient> client =
                    context.monitors.connect(directory, RunDirectories.SOCKET);
            if (client.isPresent()
                    || context.directories.record(directory, RunDirectories.RECORD).isPresent()
                    || System.nanoTime() - deadline >= 0) {
                return client;
            }
            pause();
        }
    }

    private Optional<MonitorMessage> answer(MonitorClient client) throws ErrnoException {
        context.linux.processes().poll(client.descriptor(), Poll.POLLIN, ANSWER_PATIENCE_MS);
        return client.receive();
    }

    private void pause() throws ErrnoException {
        // An eventfd that nobody writes: the poll is only its time-out.
        try (OwnedFd never = context.linux.files().eventfd()) {
            context.linux.processes().poll(never, Poll.POLLIN, PAUSE_MS);
        }
    }

    private void adoptExecs(ContainerId id, List<JournalEntry> entries) throws ErrnoException {
        Optional<Run> run = context.running(id);
        Optional<OwnedFd> directory = context.directories.openRun(id);
        if (directory.isEmpty()) {
            return;
        }
        try (OwnedFd open = directory.get()) {
            for (JournalEntry entry : entries) {
                if (run.isPresent() && entry instanceof JournalEntry.ExecBegun e) {
                    adoptExec(run.get(), open, new Containerizer.ExecId(e.exec()));
                }
            }
        }
    }

    private void adoptExec(Run run, OwnedFd directory, Containerizer.ExecId id)
            throws ErrnoException {
        Run.ExecRun exec = new Run.ExecRun(id, false);
        exec.started = true;
        run.execs.put(id, exec);
        Optional<MonitorClient> client =
                context.monitors.connect(directory, RunDirectories.execSocket(id.value()));
        Optional<MonitorMessage> answer =
                client.isEmpty() ? Optional.empty() : answer(client.get());
        if (client.isEmpty()) {
            supervision.onExec(run, exec, new MonitorMessage.Closed());
            return;
        }
        exec.process.watch(
                context.reactor, client.get(), () -> supervision.onExecMonitor(run, exec));
        supervision.onExec(run, exec, answer.orElse(new MonitorMessage.Closed()));
    }

    /** Kills and removes all that is left of a container inside our roots; its log and its layer stay. */
    private void destroy(ContainerId id) throws ErrnoException, IsolatorException {
        long deadline = System.nanoTime() + GONE_PATIENCE_NS;
        while (!context.cgroups.remove(id)) {
            context.cgroups.kill(id);
            if (System.nanoTime() - deadline >= 0) {
                context.complaints.accept(
                        "orphan " + id.shortForm() + " does not go away: it is left alone");
                return;
            }
            pause();
        }
        for (Isolator isolator : context.isolators.reversed()) {
            isolator.cleanup(id);
        }
        context.directories.removeRun(id);
    }
}
