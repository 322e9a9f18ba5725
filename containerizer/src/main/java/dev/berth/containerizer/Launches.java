package dev.berth.containerizer;

import dev.berth.containerizer.journal.JournalEntry;
import dev.berth.containerizer.launch.LaunchProgram;
import dev.berth.containerizer.launch.LaunchSettings;
import dev.berth.containerizer.launch.MonitorClient;
import dev.berth.containerizer.launch.SealedMemfd;
import dev.berth.containerizer.launch.SpawnerClient;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.ExecConfig;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.LaunchPlan;
import dev.berth.isolator.Slot;
import dev.berth.isolator.Slots;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.OwnedFd;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * From a configuration to a program that is on its way to the spawner. Each step of a launch is followed by its {@link CrashPoint}.
 *
 * <p>Thread: conductor; nothing waits.
 */
final class Launches {
    /** Docker's number for a failure of the engine itself. */
    static final int ENGINE_FAILURE = 125;

    private static final Containerizer.LogLimits NO_ROTATION = new Containerizer.LogLimits(0, 1);

    private final Context context;
    private final Plans planner;
    private final BoundMounts mounts;
    private final Monitored monitored;
    private final ArrayDeque<Run> waitingForNamespace = new ArrayDeque<>();
    private final Map<ContainerId, Prepared> prepared = new ConcurrentHashMap<>();

    /** Receives what monitors say and what failed before there was one. */
    interface Monitored {
        void onMonitor(Run run);

        void onExecMonitor(Run run, Run.ExecRun exec);

        void onFailed(Run run, RunState.Outcome.Failure failure);
    }

    Launches(Context context, Monitored monitored) {
        this.context = context;
        this.planner = new Plans(context.isolators);
        this.mounts = new BoundMounts(context);
        this.monitored = monitored;
    }

    /** A launch as far as it can be made ahead. {@code files}: the slots whose mounts are taken to be files. */
    private static final class Prepared {
        private final ContainerConfig config;
        private final LaunchPlan plan;
        private final LaunchProgram program;
        private final byte[] bytes;
        private final Set<Slot> files;

        private Prepared(
                ContainerConfig config, LaunchPlan plan, LaunchProgram program, Set<Slot> files) {
            this.config = config;
            this.plan = plan;
            this.program = program;
            this.bytes = program.encode();
            this.files = files;
        }
    }

    /** Plans and encodes ahead of {@link #start}, and makes the log directory. File lane. */
    void prepare(ContainerConfig config)
            throws ContainerizerException, IsolatorException, ErrnoException {
        LaunchPlan plan = planner.plan(config);
        Set<Slot> files = BoundMounts.likelyFiles(config);
        LaunchProgram program = LaunchProgram.lower(plan, settings(NO_ROTATION), files::contains);
        context.directories.makeLog(config.id()).close();
        prepared.put(config.id(), new Prepared(config, plan, program, files));
    }

    void unprepare(ContainerId id) {
        prepared.remove(id);
    }

    private static LaunchSettings settings(Containerizer.LogLimits log) {
        return new LaunchSettings(
                RunDirectories.RECORD, RunDirectories.SOCKET, true, log.maxBytes(), log.maxFiles());
    }

    /**
     * Starts a run as far as the spawner; failures go to {@link Monitored#onFailed}. One whose predecessor has ended but is not all gone begins when it is.
     *
     * @throws IllegalStateException when the container has a run already
     */
    void start(Run run) {
        Run before = context.runs.get(run.id());
        if (before == null) {
            context.runs.put(run.id(), run);
            begin(run);
        } else if (before.told && before.successor.isEmpty()) {
            before.successor = Optional.of(run);
        } else {
            throw new IllegalStateException(
                    "container " + run.id().shortForm() + " has a run already");
        }
    }

    /** Starts a run that nothing is in the way of. */
    void begin(Run run) {
        run.stamp("asked");
        try {
            Prepared ready = prepared.remove(run.id());
            if (ready != null && ready.config.equals(run.config)) {
                run.program = Optional.of(ready.program);
                run.prepared = Optional.of(ready.bytes);
                run.preparedFiles = ready.files;
            }
            LaunchPlan plan =
                    run.prepared.isPresent() && ready != null
                            ? ready.plan
                            : planner.plan(run.config);
            run.accept(new RunState.Input.Planned(plan));
            run.stamp("planned");
            context.note(new JournalEntry.StartBegun(run.id()));
            context.crash.reached(CrashPoint.START_JOURNALED);
            run.slots.fill(Slot.RUN_DIR, context.directories.makeRun(run.id()));
            run.slots.fill(Slot.LOG_DIR, context.directories.makeLog(run.id()));
            context.crash.reached(CrashPoint.DIRECTORIES_MADE);
            run.slots.fill(Slot.ROOT, context.roots.mount(run.config));
            run.stamp("root mounted");
            context.crash.reached(CrashPoint.ROOT_MOUNTED);
            acquire(run.config, plan, run.slots);
            mounts.fill(run.config, plan, run.slots);
            run.stamp("acquired");
            send(run, plan);
        } catch (ContainerizerException | IsolatorException | ErrnoException e) {
            fail(run, e);
        }
    }

    private void fail(Run run, Exception e) {
        monitored.onFailed(run, new RunState.Outcome.Failure(ENGINE_FAILURE, Context.chain(e)));
    }

    private void acquire(ContainerConfig config, LaunchPlan plan, Slots slots)
            throws IsolatorException {
        for (Isolator isolator : context.isolators) {
            isolator.acquire(config, plan, slots);
            context.crash.reached(CrashPoint.ISOLATOR_ACQUIRED);
        }
    }

    /** Goes on with runs that wait for a network namespace. */
    void onNetworkNamespace() {
        Run run = waitingForNamespace.pollFirst();
        if (run != null && run.state instanceof RunState.Acquiring s) {
            try {
                send(run, s.plan());
            } catch (ContainerizerException | IsolatorException | ErrnoException e) {
                fail(run, e);
            }
        }
    }

    private void send(Run run, LaunchPlan plan)
            throws ContainerizerException, IsolatorException, ErrnoException {
        if (plan.slots().contains(Slot.NETNS) && run.slots.find(Slot.NETNS).isEmpty()) {
            Optional<OwnedFd> namespace = context.spawner.takeNetworkNamespace();
            if (namespace.isEmpty()) {
                waitingForNamespace.addLast(run);
                return;
            }
            run.slots.fill(Slot.NETNS, namespace.get());
            context.reactor.after(SpawnerClient.REFILL_AFTER_NS, () -> {}); // wakes the refill
        }
        if (run.prepared.isEmpty() || !matches(run.preparedFiles, run.slots)) {
            LaunchProgram program = LaunchProgram.lower(plan, settings(run.log), run.slots::isFile);
            run.program = Optional.of(program);
            run.prepared = Optional.of(program.encode());
            run.stamp("lowered");
        }
        byte[] bytes = run.prepared.orElseThrow();
        LaunchProgram.setLogLimits(bytes, run.log.maxBytes(), run.log.maxFiles());
        Sending sending = prepare(run.program.orElseThrow(), bytes, run.slots);
        run.prepared = Optional.empty();
        context.crash.reached(CrashPoint.PROGRAM_SEALED);
        run.process.watch(context.reactor, sending.monitor, () -> monitored.onMonitor(run));
        run.stamp("sent");
        context.spawner.launch(sending.size, sending.descriptors);
        run.slots.close();
        run.accept(new RunState.Input.Sent());
        context.crash.reached(CrashPoint.PROGRAM_SENT);
    }

    private record Sending(int size, List<OwnedFd> descriptors, MonitorClient monitor) {}

    /** Whether every bind source is still what it was taken for. */
    private static boolean matches(Set<Slot> files, Slots slots) {
        for (Slot slot : slots.filled()) {
            if (slots.isFile(slot) != files.contains(slot)) {
                return false;
            }
        }
        return true;
    }

    private Sending prepare(LaunchProgram program, byte[] bytes, Slots slots)
            throws ContainerizerException, ErrnoException {
        for (Slot slot : program.slots()) {
            if (slots.find(slot).isEmpty()) {
                throw new ContainerizerException(
                        "launch of " + program.id() + ": nothing filled slot " + slot);
            }
        }
        OwnedFd memfd = SealedMemfd.of(context.linux, "berth-program", bytes);
        OwnedFd[] pair;
        try {
            pair = context.linux.sockets().seqpacketPair(true);
        } catch (ErrnoException e) {
            memfd.close();
            throw e;
        }
        List<OwnedFd> descriptors = new ArrayList<>();
        descriptors.add(memfd);
        descriptors.add(pair[1]);
        for (Slot slot : program.slots()) {
            slots.take(slot).ifPresent(descriptors::add);
        }
        return new Sending(bytes.length, descriptors, context.monitors.of(pair[0]));
    }

    /** Starts a further process as far as the spawner. Takes the streams over, also when it fails. */
    Run.ExecRun exec(Run run, Containerizer.ExecId id, Containerizer.ExecSpec spec)
            throws ContainerizerException {
        try (Slots slots = new Slots()) {
            giveStreams(spec.streams(), slots);
            Run.ExecRun exec = new Run.ExecRun(id, spec.tty());
            try {
                send(run, exec, spec, slots);
                return exec;
            } catch (IsolatorException | ErrnoException e) {
                exec.process.close(context.reactor);
                throw new ContainerizerException("exec in " + run.id().shortForm(), e);
            }
        }
    }

    private static void giveStreams(List<OwnedFd> streams, Slots slots) {
        List<Slot> names = List.of(Slot.STDIN, Slot.STDOUT, Slot.STDERR);
        for (int i = 0; i < streams.size() && i < names.size(); i++) {
            slots.fill(names.get(i), streams.get(i));
        }
    }

    private void send(Run run, Run.ExecRun exec, Containerizer.ExecSpec spec, Slots slots)
            throws ContainerizerException, IsolatorException, ErrnoException {
        ExecConfig config =
                new ExecConfig(
                        exec.id.value(),
                        spec.process(),
                        spec.security(),
                        spec.tty(),
                        false,
                        !spec.streams().isEmpty(),
                        spec.rows(),
                        spec.columns());
        LaunchPlan plan = planner.planExec(run.config, config);
        context.note(new JournalEntry.ExecBegun(run.id(), exec.id.value()));
        context.crash.reached(CrashPoint.EXEC_JOURNALED);
        slots.fill(Slot.RUN_DIR, context.directories.makeRun(run.id()));
        OwnedFd init = run.process.pidfd.orElseThrow();
        slots.fill(Slot.PIDFD, context.linux.files().duplicate(init));
        for (Isolator isolator : context.isolators) {
            isolator.acquire(run.config, plan, slots);
        }
        context.crash.reached(CrashPoint.EXEC_ACQUIRED);
        LaunchSettings settings =
                new LaunchSettings(
                        RunDirectories.execRecord(exec.id.value()),
                        RunDirectories.execSocket(exec.id.value()),
                        false,
                        0,
                        1);
        LaunchProgram program = LaunchProgram.lower(plan, settings, slots::isFile);
        exec.program = Optional.of(program);
        Sending sending = prepare(program, program.encode(), slots);
        exec.process.watch(
                context.reactor, sending.monitor, () -> monitored.onExecMonitor(run, exec));
        context.spawner.launch(sending.size, sending.descriptors);
        context.crash.reached(CrashPoint.EXEC_SENT);
    }

    /** The program that a start would send. */
    LaunchProgram lowered(ContainerConfig config) throws ContainerizerException, IsolatorException {
        return LaunchProgram.lower(
                planner.plan(config),
                settings(NO_ROTATION),
                BoundMounts.likelyFiles(config)::contains);
    }

    /** Whether no launch is under way. */
    boolean quiet() {
        for (Run run : context.runs.values()) {
            if (run.state instanceof RunState.Launching
                    || run.state instanceof RunState.Acquiring) {
                return false;
            }
        }
        return true;
    }

    /** Forgets a run that will not be sent. */
    void forget(ContainerId id) {
        waitingForNamespace.removeIf(r -> r.id().equals(id));
    }
}
