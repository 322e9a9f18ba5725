package dev.berth.containerizer;

import dev.berth.containerizer.Containerizer.ContainerEvent;
import dev.berth.containerizer.Containerizer.KnownContainer;
import dev.berth.containerizer.Containerizer.LogLimits;
import dev.berth.containerizer.Containerizer.RootSource;
import dev.berth.containerizer.log.LogLines;
import dev.berth.containerizer.log.LogQuery;
import dev.berth.containerizer.snapshot.SnapshotException;
import dev.berth.containerizer.snapshot.Snapshots;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.Namespaces.NetworkMode;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.Isolator;
import dev.berth.isolator.IsolatorException;
import dev.berth.isolator.ResourceLimits;
import dev.berth.isolator.cgroup2.Cgroup2Control;
import dev.berth.isolator.standard.StandardIsolators;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Poll;
import dev.berth.shim.ShimBinary;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/** A real containerizer on this kernel, in a temporary directory and a cgroup of its own, with a root that holds the probe at {@code /probe}. Thread: one. */
public final class ContainerizerKit implements AutoCloseable {
    public static final LogLimits LOG = new LogLimits(0, 1);
    private static final long PATIENCE_NS = 10_000_000_000L;

    public final Linux linux;
    public final Path directory;
    public final Path root;
    public final Cgroup2Control cgroups;
    public final HostContainerizer containerizer;
    public final List<String> complaints = new ArrayList<>();
    private final OwnedFd dataRoot;
    private final Snapshots snapshots;
    private final SnapshotRoots roots;
    private final List<ContainerEvent> events = new ArrayList<>();
    private Consumer<ContainerEvent> listener = _ -> {};
    private final Fd[] watched = new Fd[1];

    public ContainerizerKit(Path directory, String cgroupParent)
            throws IOException,
                    ErrnoException,
                    IsolatorException,
                    SnapshotException,
                    ContainerizerException {
        this(directory, cgroupParent, Linux.host(), UnaryOperator.identity());
    }

    /** A containerizer whose isolators, or whose view of the kernel, are changed: what tests do to switch a defence off. */
    public ContainerizerKit(
            Path directory,
            String cgroupParent,
            Linux linux,
            UnaryOperator<List<Isolator>> isolatorsOf)
            throws IOException,
                    ErrnoException,
                    IsolatorException,
                    SnapshotException,
                    ContainerizerException {
        this.linux = linux;
        this.directory = directory;
        this.root = directory.resolve("root");
        makeRoot();
        Path data = Files.createDirectories(directory.resolve("data"));
        cgroups = Cgroup2Control.open(linux, cgroupParent);
        dataRoot = linux.files().openat(Fd.CWD, data.toString(), Open.O_DIRECTORY, 0);
        snapshots = Snapshots.open(linux, dataRoot);
        roots = new SnapshotRoots(linux, snapshots);
        List<Isolator> isolators = new ArrayList<>(cgroups.isolators());
        isolators.addAll(StandardIsolators.of(linux));
        containerizer =
                HostContainerizer.open(
                        linux,
                        new ContainerizerSettings(
                                data, directory.resolve("exec"), 4, complaints::add),
                        isolatorsOf.apply(isolators),
                        cgroups,
                        roots);
        containerizer.onDescriptors(
                new Containerizer.DescriptorListener() {
                    @Override
                    public void watch(Fd fd) {
                        watched[0] = fd;
                    }

                    @Override
                    public void unwatch(Fd fd) {
                        throw new AssertionError("the one descriptor stays");
                    }
                });
    }

    private void makeRoot() throws IOException {
        Files.createDirectories(root.resolve("etc"));
        for (String name : List.of("proc", "sys", "dev", "tmp")) {
            Files.createDirectories(root.resolve(name));
        }
        Path probe = root.resolve("probe");
        if (!Files.exists(probe)) {
            Files.write(probe, ShimBinary.probe().bytes());
            Files.setPosixFilePermissions(probe, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
    }

    /** An id of 64 digits from a short name of hexadecimal digits. */
    public static ContainerId id(String digits) {
        return new ContainerId((digits + "0".repeat(64)).substring(0, 64));
    }

    public static ContainerConfig config(ContainerId id, String... argv) {
        return config(id, false, argv);
    }

    /** A plain container as root with Docker's defaults of what matters here. */
    public static ContainerConfig config(ContainerId id, boolean openStdin, String... argv) {
        return new ContainerConfig(
                id,
                process(argv),
                false,
                List.of(),
                new ContainerConfig.Namespaces(
                        NetworkMode.NONE,
                        Optional.empty(),
                        Optional.empty(),
                        false,
                        false,
                        false,
                        false),
                id.shortForm(),
                "",
                Map.of(),
                List.of(),
                List.of(),
                ResourceLimits.NONE,
                new ContainerConfig.Security(
                        false,
                        Set.of("CHOWN", "KILL", "SETUID", "SETGID"),
                        Set.of(),
                        "default",
                        true,
                        List.of("/proc/kcore", "/proc/keys", "/sys/firmware"),
                        List.of("/proc/sys", "/proc/bus")),
                OptionalInt.empty(),
                65536,
                false,
                false,
                openStdin,
                0,
                0,
                Map.of(),
                List.of());
    }

    public static ContainerConfig.ProcessSpec process(String... argv) {
        return new ContainerConfig.ProcessSpec(
                List.of(argv),
                List.of("PATH=/bin:/"),
                "/",
                0,
                0,
                List.of(),
                OptionalInt.empty(),
                List.of());
    }

    /** Prepares the root directory for it and starts it. */
    public void start(ContainerConfig config) throws ContainerizerException {
        containerizer.prepareRoot(config.id(), new RootSource.Directory(root.toString()));
        containerizer.start(config, LOG);
    }

    public void recover(List<KnownContainer> known) throws ContainerizerException {
        for (KnownContainer container : known) {
            containerizer.prepareRoot(
                    container.config().id(), new RootSource.Directory(root.toString()));
        }
        containerizer.recover(known);
    }

    /** The next event of this kind and container, which is taken out; others are kept for later. */
    public <E extends ContainerEvent> E await(Class<E> kind, ContainerId id) throws ErrnoException {
        return kind.cast(await(kind.getSimpleName(), e -> kind.isInstance(e) && e.id().equals(id)));
    }

    private ContainerEvent await(String what, Predicate<ContainerEvent> wanted)
            throws ErrnoException {
        long deadline = System.nanoTime() + PATIENCE_NS;
        while (true) {
            for (ContainerEvent event : events) {
                if (wanted.test(event)) {
                    events.remove(event);
                    return event;
                }
            }
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError(
                        "no " + what + " came; there are " + events + "; complaints " + complaints);
            }
            linux.processes().poll(watched[0], Poll.POLLIN, 100);
            containerizer.poll(this::receive, 100);
        }
    }

    private void receive(ContainerEvent event) {
        events.add(event);
        listener.accept(event);
    }

    /** What is done with each event at the moment when it is told. */
    public void onEvent(Consumer<ContainerEvent> with) {
        listener = with;
    }

    /** Polls until it holds. */
    public void until(String what, java.util.function.BooleanSupplier holds) throws ErrnoException {
        long deadline = System.nanoTime() + PATIENCE_NS;
        while (!holds.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("not reached: " + what + "; complaints " + complaints);
            }
            linux.processes().poll(watched[0], Poll.POLLIN, 5);
            containerizer.poll(this::receive, 100);
        }
    }

    /** Everything that came and was not taken. */
    public List<ContainerEvent> left() {
        return List.copyOf(events);
    }

    /** All lines of the log, without stream and time. */
    public String log(ContainerId id) throws IOException {
        StringBuilder text = new StringBuilder();
        try (LogLines lines = LogLines.open(containerizer.logDirectory(id), LogQuery.ALL)) {
            LogLines.LineHandler into =
                    l -> text.append(new String(l.bytes(), StandardCharsets.UTF_8));
            boolean more = true;
            while (more) {
                more = lines.poll(65536, into);
            }
            lines.finish(into);
        }
        return text.toString();
    }

    @Override
    public void close() {
        containerizer.close();
        roots.close();
        snapshots.close();
        dataRoot.close();
        cgroups.close();
    }
}
