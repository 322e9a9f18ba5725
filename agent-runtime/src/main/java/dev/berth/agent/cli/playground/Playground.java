package dev.berth.agent.cli.playground;

import dev.berth.agent.cli.http.EngineClient;
import dev.berth.agent.cli.http.EngineException;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Daemon;
import dev.berth.agent.cli.session.HostAddress;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.MountFlags;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * An agent with roots, socket and cgroup of its own, and a master where one is wanted. {@link #close} removes all of it, also from a shutdown hook when the user interrupts.
 *
 * <p>Thread: main, and the hook's for {@link #close}.
 */
public final class Playground implements AutoCloseable {
    private final Path root;
    private final String cgroup;
    private final Thread hook;
    private List<String> agentFlags = List.of();
    private Optional<Daemon> agent = Optional.empty();
    private Optional<Daemon> master = Optional.empty();
    private boolean closed;
    private volatile boolean interrupted;

    private Playground(Path root) {
        this.root = root;
        cgroup = root.getFileName().toString();
        hook = new Thread(this::onInterrupt, "remove-playground");
    }

    /**
     * Makes an empty place. Below {@code /run} where that is ours, since an exec-root belongs on a tmpfs.
     *
     * @param purpose the part of its name that tells people what left it behind, if ever something does
     */
    public static Playground open(String purpose) throws IOException {
        Path run = Path.of("/run");
        String prefix = "berth-" + purpose + "-";
        Path root =
                Files.isWritable(run)
                        ? Files.createTempDirectory(run, prefix)
                        : Files.createTempDirectory(prefix);
        Playground playground = new Playground(root);
        Runtime.getRuntime().addShutdownHook(playground.hook);
        return playground;
    }

    public HostAddress address() {
        return new HostAddress(root.resolve("berth.sock"), false);
    }

    /** A directory of its own for files; mounts directly below it are undone at the end. */
    public Path root() {
        return root;
    }

    /** Name of the agent's cgroup. */
    public String cgroup() {
        return cgroup;
    }

    /**
     * Starts a master on a loopback port of its own and waits until it listens.
     *
     * @return {@code http://HOST:PORT}
     */
    public String startMaster(Cli cli) throws CliException {
        List<String> flags =
                List.of(
                        "--listen",
                        "127.0.0.1:0",
                        "--data-root",
                        root.resolve("master").toString());
        Path log = root.resolve("master.log");
        Daemon started;
        synchronized (this) {
            if (closed) {
                throw new CliException(1, "interrupted");
            }
            started = Daemon.spawnMaster(cli, flags, log);
            master = Optional.of(started);
        }
        return started.awaitMaster(log);
    }

    /** What the master wants to be shown. */
    public Path masterToken() {
        return root.resolve("master/token");
    }

    /**
     * Starts the agent and waits until it answers.
     *
     * @param flags of {@code berth agent} besides its places
     */
    public void start(Cli cli, List<String> flags) throws CliException {
        agentFlags = List.copyOf(flags);
        launch(cli);
    }

    private void launch(Cli cli) throws CliException {
        List<String> flags =
                new ArrayList<>(
                        List.of(
                                "-H",
                                address().toString(),
                                "--data-root",
                                root.resolve("data").toString(),
                                "--exec-root",
                                root.resolve("exec").toString(),
                                "--cgroup-parent",
                                cgroup));
        flags.addAll(agentFlags);
        Path log = root.resolve("agent.log");
        Daemon started;
        synchronized (this) {
            if (closed) {
                throw new CliException(1, "interrupted");
            }
            started = Daemon.spawn(cli, flags, log);
            agent = Optional.of(started);
        }
        started.awaitAnswer(address(), log);
        cli.host(Optional.of(address().toString()));
    }

    /** Kills the agent with SIGKILL, so that it can prepare for nothing; its containers run on. */
    public void killAgent() {
        agent.orElseThrow().kill();
    }

    /** Starts the agent again as it was started, after {@link #killAgent}. */
    public void startAgain(Cli cli) throws CliException {
        launch(cli);
    }

    /** Removes containers, ends the agent, and removes its cgroup and files. A second call does nothing. */
    @Override
    public void close() {
        remove();
        while (interrupted) {
            // The JVM ends with the hook; what main would still say of a vanished agent is noise.
            LockSupport.park();
        }
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The JVM is ending: the hook finds nothing left to do.
        }
    }

    private void onInterrupt() {
        interrupted = true;
        remove();
    }

    private synchronized void remove() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            if (agent.isPresent()) {
                removeContainers();
                agent.get().stop();
            }
        } finally {
            master.ifPresent(Daemon::stop);
            removeCgroup();
            removeMounts();
            removeFiles();
        }
    }

    /** What {@link #close} could not remove, for people; empty when all is as before. */
    public List<String> leftovers() throws IOException {
        List<String> left = new ArrayList<>();
        if (Files.exists(root)) {
            left.add("files: " + root);
        }
        for (String line :
                Files.readAllLines(Path.of("/proc/self/mountinfo"), StandardCharsets.UTF_8)) {
            String[] words = line.split(" ");
            if (words[4].startsWith(root + "/")) {
                left.add("mount: " + words[4]);
            }
            if (line.contains(" - cgroup2 ") && Files.exists(Path.of(words[4], cgroup))) {
                left.add("cgroup: " + words[4] + "/" + cgroup);
            }
        }
        try (DirectoryStream<Path> processes =
                Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                if (commandLine(process).contains(root.toString())) {
                    left.add("process: " + process.getFileName());
                }
            }
        }
        return left;
    }

    private static String commandLine(Path process) {
        try {
            return Files.readString(process.resolve("cmdline"), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            // It has ended.
            return "";
        }
    }

    private void removeContainers() {
        try (EngineClient client = new EngineClient(address().socket())) {
            List<Json> containers;
            try (Response response = client.get(Query.of("/containers/json").with("all", "1"))) {
                containers = response.json().items();
            }
            for (Json container : containers) {
                Query query =
                        Query.of("/containers/" + container.at("Id").text()).with("force", "1");
                try {
                    client.delete(query).close();
                } catch (EngineException e) {
                    // Gone already; anything else shows as a leftover below.
                }
            }
        } catch (IOException e) {
            // The agent is gone: its cgroup, removed next, holds what is left.
        }
    }

    private void removeCgroup() {
        try {
            for (String line :
                    Files.readAllLines(Path.of("/proc/self/mountinfo"), StandardCharsets.UTF_8)) {
                if (line.contains(" - cgroup2 ")) {
                    Path group = Path.of(line.split(" ")[4]).resolve(cgroup);
                    if (Files.isDirectory(group)) {
                        Files.writeString(group.resolve("cgroup.kill"), "1");
                        for (Path directory : bottomUp(group)) {
                            if (Files.isDirectory(directory)) {
                                removeDirectory(directory);
                            }
                        }
                    }
                }
            }
        } catch (IOException e) {
            System.err.println("berth: cannot remove cgroup " + cgroup + ": " + e);
        }
    }

    /** Killed processes leave a cgroup a moment later than the kill returns. */
    private static void removeDirectory(Path directory) throws IOException {
        long deadline = System.nanoTime() + 5_000_000_000L;
        while (true) {
            try {
                Files.deleteIfExists(directory);
                return;
            } catch (IOException e) {
                if (System.nanoTime() > deadline) {
                    throw e;
                }
                Thread.onSpinWait();
            }
        }
    }

    private void removeMounts() {
        try (DirectoryStream<Path> places = Files.newDirectoryStream(root)) {
            for (Path place : places) {
                if (Files.isDirectory(place, LinkOption.NOFOLLOW_LINKS)) {
                    Linux.host().mounts().umount2(place.toString(), MountFlags.MNT_DETACH);
                }
            }
        } catch (IOException | ErrnoException e) {
            System.err.println("berth: cannot undo the mounts below " + root + ": " + e);
        }
    }

    private void removeFiles() {
        try {
            for (Path path : bottomUp(root)) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            System.err.println("berth: cannot remove " + root + ": " + e);
        }
    }

    private static List<Path> bottomUp(Path top) throws IOException {
        List<Path> all = new ArrayList<>();
        try (Stream<Path> walk = Files.walk(top)) {
            walk.sorted(Comparator.reverseOrder()).forEach(all::add);
        }
        return all;
    }
}
