package dev.berth.tests.kit;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A real agent as a child JVM on directories of its own. It may be killed and started again on the same directories. One thread. */
public final class AgentProcess implements AutoCloseable {
    private static final long START_DEADLINE_MS = 60_000;

    private final Path directory;
    private final List<String> jvmOptions = new ArrayList<>();
    private final List<String> agentOptions = new ArrayList<>();
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
                        launch(directory, List.copyOf(jvmOptions), List.copyOf(agentOptions)));
        agent.jvmOptions.addAll(jvmOptions);
        agent.agentOptions.addAll(agentOptions);
        agent.awaitSocket();
        return agent;
    }

    public static AgentProcess start(Path directory) throws IOException {
        return start(directory, List.of(), List.of());
    }

    private static Process launch(
            Path directory, List<String> jvmOptions, List<String> agentOptions) throws IOException {
        Files.createDirectories(directory);
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
        command.addAll(
                List.of(
                        "--add-exports",
                        "java.base/jdk.internal.misc=ALL-UNNAMED",
                        "--enable-native-access=ALL-UNNAMED"));
        command.addAll(
                List.of("--illegal-native-access=deny", "--sun-misc-unsafe-memory-access=deny"));
        command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"));
        command.addAll(jvmOptions);
        command.addAll(
                List.of(
                        "-cp",
                        System.getProperty(
                                "surefire.test.class.path",
                                System.getProperty("java.class.path"))));
        command.addAll(
                List.of(
                        "dev.berth.agent.cli.Berth",
                        "agent",
                        "-H",
                        "unix://" + directory.resolve("berth.sock")));
        command.addAll(
                List.of(
                        "--data-root",
                        directory.resolve("data").toString(),
                        "--exec-root",
                        directory.resolve("exec").toString()));
        command.addAll(agentOptions);
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(
                        ProcessBuilder.Redirect.appendTo(directory.resolve("agent.log").toFile()))
                .start();
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
            throw new IOException("the agent did not reach its crash point: " + log());
        }
    }

    /** Starts the next agent on the same directories. */
    public void restart() throws IOException {
        restart(jvmOptions);
    }

    /** Starts the next agent, which dies at a crash point, maybe before it listens. */
    public void restartToDie(Collection<String> options) throws IOException, InterruptedException {
        process = launch(directory, List.copyOf(options), agentOptions);
        awaitDeath();
    }

    /** As {@link #restart()}, with other JVM options. */
    public void restart(Collection<String> options) throws IOException {
        process = launch(directory, List.copyOf(options), agentOptions);
        awaitSocket();
    }

    /** SIGTERM, then SIGKILL after ten seconds. Containers live on: remove them first. */
    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
