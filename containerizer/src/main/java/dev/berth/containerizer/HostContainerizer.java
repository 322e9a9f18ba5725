package dev.berth.containerizer;

import dev.berth.containerizer.journal.Journal;
import dev.berth.containerizer.journal.JournalEntry;
import dev.berth.containerizer.launch.LaunchProgram;
import dev.berth.containerizer.launch.SpawnerClient;
import dev.berth.isolator.CgroupControl;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.Limitation;
import dev.berth.isolator.ResourceLimits;
import dev.berth.isolator.Usage;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.OwnedFd;
import dev.berth.shim.ShimBinary;

import org.agrona.concurrent.ManyToOneConcurrentArrayQueue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The containers of this host, run by spawner and monitors.
 *
 * <p>Everything that happens comes through one epoll descriptor ({@link #onDescriptors} is told of it once), so a poll costs what is ready. Exits that were recorded in the journal are told again after a crash of the agent
 * until the container starts again or is removed; the caller's checkpoint says what it knows already.
 *
 * <p>Thread: as {@link Containerizer}.
 */
public final class HostContainerizer implements Containerizer {
    private static final int FORGOTTEN_QUEUE = 1024;
    private static final long FROZEN_CHECK_NS = 1_000_000;
    private static final int FROZEN_CHECKS = 5_000;

    private final Context context;
    private final Supervision supervision;
    private final Launches launches;
    private final LiveDevices liveDevices;
    private final ManyToOneConcurrentArrayQueue<ContainerId> forgotten =
            new ManyToOneConcurrentArrayQueue<>(FORGOTTEN_QUEUE);

    private HostContainerizer(Context context, SpawnerEvents spawnerEvents) throws ErrnoException {
        this.context = context;
        this.supervision = new Supervision(context);
        this.launches = new Launches(context, supervision);
        this.liveDevices = new LiveDevices(context);
        supervision.endings().startWith(launches::begin);
        spawnerEvents.launches = Optional.of(launches);
        Optional<Fd> events = context.cgroups.events();
        if (events.isPresent()) {
            context.reactor.add(events.get(), this::pollIsolators);
        }
    }

    /**
     * Opens the roots, which must belong to no other agent, waits for a former agent's spawner to end, and starts a spawner. {@link #recover} comes next.
     *
     * @param isolators in the order in which they acquire; cleanup is in reverse
     * @param cgroups must outlive this object
     * @throws ContainerizerException when another agent holds a root, or the host cannot do it
     */
    public static HostContainerizer open(
            Linux linux,
            ContainerizerSettings settings,
            List<Isolator> isolators,
            CgroupControl cgroups,
            Roots roots)
            throws ContainerizerException {
        List<AutoCloseable> opened = new ArrayList<>();
        try {
            RunDirectories directories =
                    new RunDirectories(linux, settings.dataRoot(), settings.execRoot());
            opened.add(directories);
            new FormerSpawner(linux, directories).end();
            Reactor reactor = new Reactor(linux);
            opened.add(reactor);
            Journal journal = Journal.open(settings.execRoot().resolve("journal"), bootId(linux));
            opened.add(journal);
            SpawnerEvents events = new SpawnerEvents(linux, directories, reactor);
            SpawnerClient spawner =
                    SpawnerClient.start(
                            linux,
                            ShimBinary.shim().bytes(),
                            cgroups.monitors(),
                            settings.networkNamespaces(),
                            events);
            opened.add(spawner);
            Context context =
                    new Context(
                            linux,
                            isolators,
                            cgroups,
                            roots,
                            new Context.Opened(directories, reactor, journal, spawner),
                            settings.complaints());
            return new HostContainerizer(context, events);
        } catch (ErrnoException | IOException e) {
            close(opened);
            throw new ContainerizerException(
                    "open " + settings.execRoot() + " and " + settings.dataRoot(), e);
        } catch (ContainerizerException e) {
            close(opened);
            throw e;
        }
    }

    private static void close(List<AutoCloseable> opened) {
        for (AutoCloseable each : opened.reversed()) {
            try {
                each.close();
            } catch (Exception e) {
                throw new IllegalStateException("close " + each, e);
            }
        }
    }

    private static String bootId(Linux linux) throws ErrnoException {
        byte[] id = linux.files().readFile(Fd.CWD, "/proc/sys/kernel/random/boot_id", 64);
        return new String(id, StandardCharsets.US_ASCII).trim();
    }

    @Override
    public void prepareRoot(ContainerId id, RootSource source) throws ContainerizerException {
        context.roots.prepare(id, source);
    }

    @Override
    public void removeRoot(ContainerId id) throws ContainerizerException {
        context.roots.remove(id);
        launches.unprepare(id);
        try {
            context.directories.removeData(id);
        } catch (ErrnoException e) {
            throw new ContainerizerException("remove the log of " + id.shortForm(), e);
        }
        // A full queue only means that a result is kept longer than it is of use.
        forgotten.offer(id);
    }

    @Override
    public ResolvedUser resolveUser(ContainerId id, String user, List<String> extraGroups)
            throws ContainerizerException {
        return context.roots.resolveUser(id, user, extraGroups);
    }

    @Override
    public void prepareStart(ContainerConfig config) throws ContainerizerException {
        context.roots.prepareStart(config);
        try {
            launches.prepare(config);
        } catch (IsolatorException | ErrnoException e) {
            throw new ContainerizerException(
                    "prepare a start of container " + config.id().shortForm(), e);
        }
    }

    @Override
    public void start(ContainerConfig config, LogLimits log) {
        launches.start(new Run(config, log));
    }

    @Override
    public void exec(ContainerId id, ExecId exec, ExecSpec spec) {
        Optional<Run> run = context.running(id);
        if (run.isEmpty()) {
            spec.streams().forEach(OwnedFd::close);
            fail(id, exec, "container " + id.shortForm() + " is not running");
            return;
        }
        try {
            run.get().execs.put(exec, launches.exec(run.get(), exec, spec));
        } catch (ContainerizerException e) {
            fail(id, exec, Context.chain(e));
        }
    }

    private void fail(ContainerId id, ExecId exec, String message) {
        context.events.add(
                new ContainerEvent.ExecFailed(id, exec, Launches.ENGINE_FAILURE, message));
    }

    @Override
    public boolean signal(ContainerId id, int signal) throws ContainerizerException {
        Optional<OwnedFd> pidfd = context.running(id).flatMap(r -> r.process.pidfd);
        return pidfd.isPresent() && send(pidfd.get(), signal, id.shortForm());
    }

    private boolean send(OwnedFd pidfd, int signal, String whom) throws ContainerizerException {
        try {
            return context.linux.processes().pidfdSendSignal(pidfd, signal);
        } catch (ErrnoException e) {
            throw new ContainerizerException("send signal " + signal + " to " + whom, e);
        }
    }

    @Override
    public boolean signalExec(ContainerId id, ExecId exec, int signal)
            throws ContainerizerException {
        Optional<OwnedFd> pidfd = execRun(id, exec).flatMap(e -> e.process.pidfd);
        return pidfd.isPresent() && send(pidfd.get(), signal, "exec " + exec.value());
    }

    private Optional<Run.ExecRun> execRun(ContainerId id, ExecId exec) {
        return context.running(id).flatMap(r -> Optional.ofNullable(r.execs.get(exec)));
    }

    @Override
    public void kill(ContainerId id) throws ContainerizerException {
        Run run = context.runs.get(id);
        if (run == null) {
            return;
        }
        run.askKill();
        try {
            context.cgroups.kill(id);
        } catch (IsolatorException e) {
            throw new ContainerizerException("kill container " + id.shortForm(), e);
        }
    }

    @Override
    public void pause(ContainerId id, boolean paused) throws ContainerizerException {
        Run run = context.running(id).orElseThrow(() -> notRunning(id));
        try {
            context.cgroups.freeze(id, paused);
            awaitFrozen(run, paused, FROZEN_CHECKS);
        } catch (IsolatorException e) {
            throw new ContainerizerException(
                    (paused ? "pause" : "unpause") + " container " + id.shortForm(), e);
        }
    }

    private static ContainerizerException notRunning(ContainerId id) {
        return new ContainerizerException("container " + id.shortForm() + " is not running");
    }

    private void awaitFrozen(Run run, boolean paused, int checks) throws IsolatorException {
        if (!run.running()) {
            return;
        }
        if (context.cgroups.frozen(run.id()) == paused) {
            boolean was = run.state instanceof RunState.Paused;
            if (was != paused) {
                run.accept(paused ? new RunState.Input.Frozen() : new RunState.Input.Thawed());
            }
            context.events.add(new ContainerEvent.Paused(run.id(), paused));
        } else if (checks > 0) {
            context.reactor.after(
                    FROZEN_CHECK_NS,
                    () -> {
                        try {
                            awaitFrozen(run, paused, checks - 1);
                        } catch (IsolatorException e) {
                            context.complaints.accept(Context.chain(e));
                        }
                    });
        } else {
            context.complaints.accept(
                    "container " + run.id().shortForm() + " does not freeze: a process is stuck");
        }
    }

    @Override
    public LimitUpdate update(ContainerId id, ResourceLimits limits) throws ContainerizerException {
        return LimitUpdates.prepare(context.isolators, id, limits);
    }

    @Override
    public void updateDevices(ContainerConfig config) throws ContainerizerException {
        Run run = context.running(config.id()).orElseThrow(() -> notRunning(config.id()));
        liveDevices.update(run, config);
    }

    @Override
    public List<ContainerId> verify() throws ContainerizerException {
        return liveDevices.verify();
    }

    @Override
    public Optional<Usage> usage(ContainerId id) throws ContainerizerException {
        if (context.running(id).isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(context.cgroups.usage(id));
        } catch (IsolatorException e) {
            throw new ContainerizerException("measure container " + id.shortForm(), e);
        }
    }

    @Override
    public List<Integer> processes(ContainerId id) throws ContainerizerException {
        try {
            return context.cgroups.processes(id);
        } catch (IsolatorException e) {
            throw new ContainerizerException("processes of container " + id.shortForm(), e);
        }
    }

    @Override
    public Optional<OwnedFd> input(ContainerId id) throws ContainerizerException {
        Optional<OwnedFd> input = context.running(id).flatMap(r -> r.process.input);
        try {
            return input.isEmpty()
                    ? Optional.empty()
                    : Optional.of(context.linux.files().duplicate(input.get()));
        } catch (ErrnoException e) {
            throw new ContainerizerException("input of container " + id.shortForm(), e);
        }
    }

    @Override
    public void closeStdin(ContainerId id) throws ContainerizerException {
        Optional<Run> run = context.running(id);
        if (run.isEmpty() || run.get().config.tty()) {
            return;
        }
        Run.Watched process = run.get().process;
        process.input.ifPresent(OwnedFd::close);
        process.input = Optional.empty();
        try {
            if (process.monitor.isPresent()) {
                process.monitor.get().closeStdin();
            }
        } catch (ErrnoException e) {
            throw new ContainerizerException("close stdin of container " + id.shortForm(), e);
        }
    }

    @Override
    public void resize(ContainerId id, int rows, int columns) throws ContainerizerException {
        Optional<Run> run = context.running(id);
        if (run.isPresent()) {
            resize(run.get().process, rows, columns, id.shortForm());
        }
    }

    @Override
    public void resizeExec(ContainerId id, ExecId exec, int rows, int columns)
            throws ContainerizerException {
        Optional<Run.ExecRun> run = execRun(id, exec);
        if (run.isPresent()) {
            resize(run.get().process, rows, columns, exec.value());
        }
    }

    private static void resize(Run.Watched process, int rows, int columns, String whom)
            throws ContainerizerException {
        try {
            if (process.monitor.isPresent()) {
                process.monitor.get().resize(rows, columns);
            }
        } catch (ErrnoException e) {
            throw new ContainerizerException(
                    "resize the terminal of " + whom + " to " + rows + "x" + columns, e);
        }
    }

    @Override
    public void onDescriptors(DescriptorListener listener) {
        listener.watch(context.reactor.descriptor());
    }

    @Override
    public int poll(ContainerEventHandler handler, int limit) {
        try {
            context.reactor.poll();
        } catch (ErrnoException e) {
            throw new UncheckedIOException(new IOException("poll the containerizer", e));
        }
        try {
            context.spawner.poll(launches.quiet());
        } catch (ErrnoException e) {
            context.complaints.accept(Context.chain(e));
        }
        for (ContainerId id = forgotten.poll(); id != null; id = forgotten.poll()) {
            context.note(new JournalEntry.Forgotten(id));
        }
        int delivered = 0;
        while (delivered < limit && !context.events.isEmpty()) {
            handler.onEvent(context.events.removeFirst());
            delivered++;
        }
        supervision.endings().cleanUpTold();
        if (!context.events.isEmpty()) {
            context.reactor.after(1, () -> {});
        }
        return delivered;
    }

    private void pollIsolators() {
        for (Isolator isolator : context.isolators) {
            isolator.poll((id, limitation) -> {
                if (limitation == Limitation.OOM) {
                    context.events.add(new ContainerEvent.Oom(id));
                }
            });
        }
    }

    @Override
    public void recover(List<KnownContainer> known) throws ContainerizerException {
        new Recovery(context, supervision, liveDevices).recover(known);
    }

    @Override
    public Enforcement enforcement() {
        return new Enforcement(
                context.cgroups.warnings(), context.cgroups.enforced().stream().sorted().toList());
    }

    @Override
    public String plan(ContainerConfig config) throws ContainerizerException {
        try {
            byte[] bytes = launches.lowered(config).encode();
            return LaunchProgram.decode(bytes).print();
        } catch (IsolatorException e) {
            throw new ContainerizerException("plan container " + config.id().shortForm(), e);
        }
    }

    /** Where a container's log is, for {@code ContainerLog}. */
    public java.nio.file.Path logDirectory(ContainerId id) {
        return context.directories.log(id);
    }

    /** Where the generated file of this name ({@link ContainerConfig#hostsFiles}) must be before a start. */
    public java.nio.file.Path generatedFile(ContainerId id, String name) {
        return context.directories.file(id, name);
    }

    /** The spawner's process, for checks. */
    public int spawnerPid() {
        return context.spawner.pid();
    }

    /** Network namespaces that are ready, for checks and benchmarks. */
    public int readyNetworkNamespaces() {
        return context.spawner.poolSize();
    }

    /** Closes everything of the agent's; containers and their monitors go on. */
    @Override
    public void close() {
        for (Run run : context.runs.values()) {
            run.execs.values().forEach(e -> e.process.close(context.reactor));
            run.process.close(context.reactor);
            run.slots.close();
        }
        context.runs.clear();
        close(List.of(context.directories, context.journal, context.reactor, context.spawner));
    }
}
