package dev.berth.tests.root.escape;

import dev.berth.containerizer.Containerizer.ContainerEvent;
import dev.berth.containerizer.Containerizer.ExecId;
import dev.berth.containerizer.Containerizer.ExecSpec;
import dev.berth.containerizer.Containerizer.RootSource;
import dev.berth.containerizer.ContainerizerException;
import dev.berth.containerizer.ContainerizerKit;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.IsolatorException;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.Statx;
import dev.berth.tests.root.LeakCheck;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** A real containerizer with something on the host beside it that no container may reach. Closing it checks that nothing is left behind. Thread: one. */
final class EscapeHost implements AutoCloseable {
    private static final String SECRET = "only the host knows this";

    private static final int ENGINE_FAILURE = 125;

    final ContainerizerKit kit;
    final Path directory;
    private final Path canary;
    private final Set<String> untouched;
    private final Set<ContainerId> running = new HashSet<>();
    private int made;

    /**
     * @param started whether it came to run
     * @param code exit status, or Docker's code of the failure
     * @param text what it printed, or why it did not run
     */
    record Outcome(boolean started, int code, String text) {
        /** The rest of each line that begins with this word. */
        List<String> values(String key) {
            return text.lines()
                    .filter(l -> l.startsWith(key + " "))
                    .map(l -> l.substring(key.length() + 1))
                    .toList();
        }
    }

    /** A host where this defence is off. */
    EscapeHost(Path directory, Defence off) throws Exception {
        this.directory = directory;
        canary = Files.createDirectories(directory.resolve("canary"));
        Files.writeString(canary.resolve("secret"), SECRET);
        untouched = canaries();
        kit =
                new ContainerizerKit(
                        directory,
                        "berth-escape-" + ProcessHandle.current().pid(),
                        off.linux(),
                        off.isolators());
        kit.recover(List.of());
    }

    Path root() {
        return kit.root;
    }

    /** A directory of the host that no container is given. It holds a file {@code secret}. */
    Path canary() {
        return canary;
    }

    /** Everything in the canary directory, with sizes. */
    private Set<String> canaries() throws IOException {
        Set<String> found = new TreeSet<>();
        try (Stream<Path> all = Files.walk(canary)) {
            for (Path p : all.toList()) {
                found.add(
                        canary.relativize(p)
                                + (Files.isRegularFile(p) ? "=" + Files.readString(p) : ""));
            }
        }
        return found;
    }

    /** What has become of the canary directory that was not so at first. */
    Optional<String> touched() throws IOException {
        Set<String> now = canaries();
        if (now.equals(untouched)) {
            return Optional.empty();
        }
        now.removeAll(untouched);
        return Optional.of("the host has " + now);
    }

    /** Whether this text tells the host's secret. */
    static Optional<String> told(String text) {
        return text.contains(SECRET) ? Optional.of("it read the host's secret") : Optional.empty();
    }

    /** Another root beside the usual one, which holds the probe. */
    Path newRoot() throws IOException {
        Path root = Files.createDirectories(directory.resolve("root-" + ++made));
        Files.copy(
                kit.root.resolve("probe"),
                root.resolve("probe"),
                StandardCopyOption.COPY_ATTRIBUTES);
        return root;
    }

    /** A device node in the usual root. */
    void makeNode(String name, char type, int major, int minor) throws ErrnoException {
        try (OwnedFd root = kit.linux.files().openat(Fd.CWD, kit.root.toString(), 0x10000, 0)) {
            int mode = (type == 'b' ? 0060000 : 0020000) | 0666;
            kit.linux.files().mknodat(root, name, mode, Statx.makedev(major, minor));
        }
    }

    private static ContainerId id(int n) {
        return ContainerizerKit.id(String.format(Locale.ROOT, "%06xe", n));
    }

    /** Prepares on the lane and starts, as the agent does. */
    private ContainerId begin(Setup setup) throws ContainerizerException {
        ContainerId id = id(++made);
        Path root = setup.root.orElse(kit.root);
        kit.containerizer.prepareRoot(id, new RootSource.Directory(root.toString()));
        ContainerConfig config = setup.config(id);
        kit.containerizer.prepareStart(config);
        kit.containerizer.start(config, ContainerizerKit.LOG);
        return id;
    }

    private boolean happened(ContainerId id, Class<? extends ContainerEvent> kind) {
        return kit.left().stream().anyMatch(e -> kind.isInstance(e) && e.id().equals(id));
    }

    /** Starts it and leaves it running. */
    ContainerId start(Setup setup) throws Exception {
        ContainerId id = begin(setup);
        kit.await(ContainerEvent.Started.class, id);
        running.add(id);
        return id;
    }

    /** Starts it and waits until it has said {@code ready}. */
    ContainerId startReady(Setup setup) throws Exception {
        ContainerId id = start(setup);
        kit.until("ready", () -> log(id).contains("ready"));
        return id;
    }

    String log(ContainerId id) {
        try {
            return kit.log(id);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** Runs it to its end. */
    Outcome run(Setup setup) throws Exception {
        ContainerId id;
        try {
            id = begin(setup);
        } catch (ContainerizerException e) {
            StringBuilder why = new StringBuilder();
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                why.append(cause.getMessage()).append('\n');
            }
            return new Outcome(false, ENGINE_FAILURE, why.toString());
        }
        kit.until(
                "the end of a container",
                () ->
                        happened(id, ContainerEvent.Exited.class)
                                || happened(id, ContainerEvent.StartFailed.class));
        if (happened(id, ContainerEvent.StartFailed.class)) {
            ContainerEvent.StartFailed failed = kit.await(ContainerEvent.StartFailed.class, id);
            return new Outcome(false, failed.code(), failed.message());
        }
        kit.await(ContainerEvent.Started.class, id);
        return finish(id);
    }

    /** Waits for its end. */
    Outcome finish(ContainerId id) throws IOException, ErrnoException {
        int code = kit.await(ContainerEvent.Exited.class, id).status().code();
        running.remove(id);
        return new Outcome(true, code, kit.log(id));
    }

    Outcome kill(ContainerId id) throws IOException, ErrnoException, ContainerizerException {
        kit.containerizer.kill(id);
        return finish(id);
    }

    /** A further process in a running container, to its end. */
    Outcome exec(ContainerId id, List<String> argv, String cwd) throws Exception {
        ExecId exec = new ExecId(id(++made).value());
        Path out = directory.resolve("out-" + made);
        OwnedFd in = kit.linux.files().openat(Fd.CWD, "/dev/null", 0, 0);
        List<OwnedFd> streams = new ArrayList<>(List.of(in));
        for (int i = 0; i < 2; i++) {
            streams.add(kit.linux.files().openat(Fd.CWD, out.toString(), 0x441, 0600));
        }
        kit.containerizer.exec(
                id,
                exec,
                new ExecSpec(Setup.process(argv, cwd), Setup.security(), false, 0, 0, streams));
        kit.until(
                "the end of an exec",
                () ->
                        happened(id, ContainerEvent.ExecExited.class)
                                || happened(id, ContainerEvent.ExecFailed.class));
        if (happened(id, ContainerEvent.ExecFailed.class)) {
            ContainerEvent.ExecFailed failed = kit.await(ContainerEvent.ExecFailed.class, id);
            return new Outcome(false, failed.code(), failed.message());
        }
        kit.await(ContainerEvent.ExecStarted.class, id);
        int code = kit.await(ContainerEvent.ExecExited.class, id).status().code();
        return new Outcome(true, code, Files.readString(out));
    }

    /** Kills what still runs, and looks for anything left behind. */
    @Override
    public void close() throws IOException, ErrnoException, ContainerizerException {
        for (ContainerId id : List.copyOf(running)) {
            kill(id);
        }
        kit.until("an empty cgroup tree", this::removeTree);
        new LeakCheck(
                        kit.linux,
                        directory,
                        Path.of(kit.cgroups.path()),
                        Optional.of(kit.containerizer.spawnerPid()),
                        Set.of())
                .awaitNone(EscapeHost::ofAContainer);
        kit.close();
    }

    private boolean removeTree() {
        try {
            return kit.cgroups.removeTree();
        } catch (IsolatorException e) {
            throw new AssertionError(e);
        }
    }

    private static boolean ofAContainer(String what) {
        return what.startsWith("cgroup ")
                || what.startsWith("process ")
                || what.startsWith("children ")
                || what.startsWith("mount of the host")
                || what.startsWith("file exec/c/");
    }
}
