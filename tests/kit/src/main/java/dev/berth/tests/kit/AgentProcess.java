package dev.berth.tests.kit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A real agent as a child JVM on directories of its own. It may be killed and started again on the same directories. One thread. */
public final class AgentProcess implements AutoCloseable {
    private static final long START_DEADLINE_MS = 60_000;
    private static final Pattern LISTENS = Pattern.compile("agent's API on http://\\S*:(\\d+)");

    private final Path directory;
    private final List<String> jvmOptions = new ArrayList<>();
    private final List<String> agentOptions = new ArrayList<>();
    private List<String> by = List.of();
    private Process process;

    private AgentProcess(Path directory, Process process) {
        this.directory = directory;
        this.process = process;
    }

    /** Starts an agent below {@code directory}, which should be a fresh, short path: the socket's name is in it. */
    public static AgentProcess start(
            Path directory, Collection<String> jvmOptions, Collection<String> agentOptions)
            throws IOException {
        AgentProcess agent =
                new AgentProcess(
                        directory,
                        launch(
                                List.of(),
                                directory,
                                List.copyOf(jvmOptions),
                                List.copyOf(agentOptions)));
        agent.jvmOptions.addAll(jvmOptions);
        agent.agentOptions.addAll(agentOptions);
        agent.awaitSocket();
        return agent;
    }

    public static AgentProcess start(Path directory) throws IOException {
        return start(directory, List.of(), List.of());
    }

    /**
     * Starts an agent that works for a master; returns when its socket answers, which is before it is registered. Its own API needs no token and listens on any free port.
     *
     * @param master {@code http://…} or {@code zk://…}
     * @param options more options of the agent, such as {@code --gpus sim:8xH100} or {@code --master-token-file}
     */
    public static AgentProcess startFor(String master, Path directory, String... options)
            throws IOException {
        List<String> all = new ArrayList<>(List.of("--master", master));
        all.addAll(List.of("--allow-anonymous", "--listen", "127.0.0.1:0"));
        all.addAll(List.of(options));
        return start(directory, List.of(), all);
    }

    /** As {@link #startFor}, started by a program that becomes it, such as {@code nsenter}. */
    public static AgentProcess startBy(
            List<String> by, String master, Path directory, String... options) throws IOException {
        List<String> all = new ArrayList<>(List.of("--master", master));
        all.addAll(List.of("--allow-anonymous", "--listen", "127.0.0.1:0"));
        all.addAll(List.of(options));
        AgentProcess agent = new AgentProcess(directory, launch(by, directory, List.of(), all));
        agent.by = List.copyOf(by);
        agent.agentOptions.addAll(all);
        agent.awaitSocket();
        return agent;
    }

    private static Process launch(
            List<String> by, Path directory, List<String> jvmOptions, List<String> agentOptions)
            throws IOException {
        List<String> arguments =
                new ArrayList<>(
                        List.of("agent", "-H", "unix://" + directory.resolve("berth.sock")));
        arguments.addAll(List.of("--data-root", directory.resolve("data").toString()));
        arguments.addAll(List.of("--exec-root", directory.resolve("exec").toString()));
        arguments.addAll(agentOptions);
        return ChildJvm.launch(
                by,
                directory.resolve("agent.log"),
                jvmOptions,
                "dev.berth.agent.cli.Berth",
                arguments);
    }

    private void awaitSocket() throws IOException {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(START_DEADLINE_MS);
        while (!listens()) {
            if (!process.isAlive()) {
                throw new IOException("the agent ended with " + process.exitValue() + ": " + log());
            }
            if (System.nanoTime() - deadline > 0) {
                process.destroyForcibly();
                throw new IOException(
                        "the agent did not listen within " + START_DEADLINE_MS + " ms: " + log());
            }
            LockSupport.parkNanos(5_000_000);
        }
    }

    private boolean listens() {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return channel.connect(UnixDomainSocketAddress.of(socket()));
        } catch (IOException e) {
            return false; // not there yet
        }
    }

    public Path socket() {
        return directory.resolve("berth.sock");
    }

    public Path dataRoot() {
        return directory.resolve("data");
    }

    public Path execRoot() {
        return directory.resolve("exec");
    }

    public long pid() {
        return process.pid();
    }

    public Engine engine() {
        return new Engine(socket());
    }

    /** Everything that this directory's agents have printed. */
    public String log() throws IOException {
        return Files.readString(directory.resolve("agent.log"));
    }

    /** The port of its own API, as it said it last; only with a master. */
    public int port() throws IOException {
        Matcher said = LISTENS.matcher(log());
        int port = -1;
        while (said.find()) {
            port = Integer.parseInt(said.group(1));
        }
        if (port < 0) {
            throw new IOException("the agent has not said where its API listens: " + log());
        }
        return port;
    }

    /** What its own API says of it on {@code /state}. */
    public JsonNode state() throws IOException {
        try (InputStream in =
                URI.create("http://127.0.0.1:" + port() + "/state").toURL().openStream()) {
            return new ObjectMapper().readTree(in);
        }
    }

    /** Whether a master has taken it, as it said last. */
    public boolean isRegistered() throws IOException {
        String log = log();
        return log.lastIndexOf("registered as ") > log.lastIndexOf("no link to a master");
    }

    /** SIGSTOP: it does nothing any more, and its connections stay. */
    public void stop() throws IOException, InterruptedException {
        ChildJvm.signal(process, "STOP");
    }

    /** SIGCONT. */
    public void goOn() throws IOException, InterruptedException {
        ChildJvm.signal(process, "CONT");
    }

    /** SIGKILL; returns when it is gone. */
    public void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** Waits for it to end by itself: the exit code. */
    public int awaitEnd(long seconds) throws InterruptedException, IOException {
        if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
            throw new IOException("the agent did not end within " + seconds + " s: " + log());
        }
        return process.exitValue();
    }

    /** Waits until a crash point has killed it. */
    public void awaitDeath() throws InterruptedException, IOException {
        if (!process.waitFor(30, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            List<String> said = log().lines().toList();
            throw new IOException(
                    "the agent did not reach its crash point; it said last: "
                            + String.join(
                                    "\n",
                                    said.subList(Math.max(0, said.size() - 20), said.size())));
        }
    }

    /** Starts the next agent on the same directories. */
    public void restart() throws IOException {
        restart(jvmOptions);
    }

    /** Starts the next agent, which dies at a crash point, maybe before it listens. */
    public void restartToDie(Collection<String> options) throws IOException, InterruptedException {
        process = launch(by, directory, List.copyOf(options), agentOptions);
        awaitDeath();
    }

    /** As {@link #restart()}, with other JVM options. */
    public void restart(Collection<String> options) throws IOException {
        process = launch(by, directory, List.copyOf(options), agentOptions);
        awaitSocket();
    }

    /** Removes what runs, then ends the agent: for the end of a test, however it went. */
    public void dismantle() throws IOException {
        try (this) {
            engine().removeAll();
        }
    }

    /** SIGTERM, then SIGKILL after ten seconds. Containers live on: remove them first. */
    @Override
    public void close() {
        ChildJvm.end(process);
    }
}
