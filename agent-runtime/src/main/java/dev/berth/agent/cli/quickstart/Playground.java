package dev.berth.agent.cli.quickstart;

import dev.berth.agent.cli.http.EngineClient;
import dev.berth.agent.cli.http.EngineException;
import dev.berth.agent.cli.http.Query;
import dev.berth.agent.cli.http.Response;
import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.AgentProcess;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.HostAddress;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * An agent with roots, socket and cgroup of its own. {@link #close} removes all of it, also from a shutdown hook when the user interrupts.
 *
 * <p>Thread: main, and the hook's for {@link #close}.
 */
final class Playground implements AutoCloseable {
    private final Path root;
    private final String cgroup;
    private final Thread hook;
    private Optional<AgentProcess> agent = Optional.empty();
    private boolean closed;
    private volatile boolean interrupted;

    private Playground(Path root) {
        this.root = root;
        cgroup = root.getFileName().toString();
        hook = new Thread(this::onInterrupt, "remove-playground");
    }

    /** Makes an empty place. Below {@code /run} where that is ours, since an exec-root belongs on a tmpfs. */
    static Playground open() throws IOException {
        Path run = Path.of("/run");
        Path root =
                Files.isWritable(run)
                        ? Files.createTempDirectory(run, "berth-quickstart-")
                        : Files.createTempDirectory("berth-quickstart-");
        Playground playground = new Playground(root);
        Runtime.getRuntime().addShutdownHook(playground.hook);
        return playground;
    }

    HostAddress address() {
        return new HostAddress(root.resolve("berth.sock"), false);
    }

    /** Starts the agent and waits until it answers. */
    void start(Cli cli) throws CliException {
        List<String> flags =
                List.of(
                        "-H",
                        address().toString(),
                        "--data-root",
                        root.resolve("data").toString(),
                        "--exec-root",
                        root.resolve("exec").toString(),
                        "--cgroup-parent",
                        cgroup);
        Path log = root.resolve("agent.log");
        AgentProcess started;
        synchronized (this) {
            if (closed) {
                throw new CliException(1, "interrupted");
            }
            started = AgentProcess.spawn(cli, flags, log);
            agent = Optional.of(started);
        }
        started.awaitAnswer(address(), log);
        cli.host(Optional.of(address().toString()));
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
            removeCgroup();
            removeFiles();
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
