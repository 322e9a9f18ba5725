package dev.berth.tests.kit;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A real ZooKeeper server as a child JVM on a directory and a port of its own, alone or of an ensemble. It may be killed, stopped, and started again on both. One thread. */
public final class ZooKeeperNode implements AutoCloseable {
    /** ZooKeeper's usual one, in milliseconds: ends of sessions are rounded up to it. */
    private static final String TICK_MS = "2000";

    private static final int TRIES = 3;
    private static final int START_SECONDS = 60;
    private static final int ASK_MS = 1_000;

    private final Path directory;
    private final List<String> ensemble;
    private int port;
    private Process process;

    private ZooKeeperNode(Path directory, int port, List<String> ensemble) throws IOException {
        this.directory = directory;
        this.ensemble = ensemble;
        this.port = port;
        process = launch();
    }

    /** One of several, which begins to look for the others; {@code number} is its own in the ensemble's settings. */
    static ZooKeeperNode of(int number, Path directory, int port, List<String> ensemble)
            throws IOException {
        Files.writeString(
                Files.createDirectories(directory.resolve("data")).resolve("myid"),
                Integer.toString(number));
        return new ZooKeeperNode(directory, port, List.copyOf(ensemble));
    }

    /** Starts one below {@code directory}; returns when it answers. */
    public static ZooKeeperNode start(Path directory) throws Exception {
        ZooKeeperNode node = new ZooKeeperNode(directory, freePort(), List.of());
        for (int attempt = 1; !node.awaitAnswer(); attempt++) {
            // Somebody else was given the port in between.
            if (attempt == TRIES) {
                throw new IOException("ZooKeeper does not start: " + node.log());
            }
            node.port = freePort();
            node.process = node.launch();
        }
        return node;
    }

    static int freePort() throws IOException {
        try (ServerSocket any = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return any.getLocalPort();
        }
    }

    private Process launch() throws IOException {
        Path data = Files.createDirectories(directory.resolve("data"));
        Path settings = directory.resolve("zoo.cfg");
        Files.writeString(
                settings,
                String.join(
                        "\n",
                        "tickTime=" + TICK_MS,
                        "dataDir=" + data,
                        "clientPort=" + port,
                        "clientPortAddress=127.0.0.1",
                        "maxClientCnxns=0",
                        "admin.enableServer=false",
                        "4lw.commands.whitelist=ruok,cons,stat",
                        String.join("\n", ensemble),
                        ""));
        return ChildJvm.launch(
                directory.resolve("zookeeper.log"),
                List.of("-Xmx128m"),
                "org.apache.zookeeper.server.quorum.QuorumPeerMain",
                List.of(settings.toString()));
    }

    /** False when it ended instead. */
    private boolean awaitAnswer() throws Exception {
        Await.until("ZooKeeper answers", START_SECONDS, () -> answers() || !process.isAlive());
        return process.isAlive();
    }

    /** What it says to one of its four-letter words. */
    public String word(String word) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(ASK_MS);
            socket.getOutputStream().write(word.getBytes(StandardCharsets.US_ASCII));
            socket.getOutputStream().flush();
            InputStream in = socket.getInputStream();
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private boolean answers() {
        try {
            return word("ruok").equals("imok");
        } catch (IOException _) {
            return false; // not there yet
        }
    }

    /** What it is in its ensemble: {@code leader}, {@code follower}, or nothing while it serves nobody. */
    public String mode() {
        try {
            return word("stat")
                    .lines()
                    .filter(line -> line.startsWith("Mode: "))
                    .map(line -> line.substring("Mode: ".length()))
                    .findFirst()
                    .orElse("");
        } catch (IOException _) {
            return "";
        }
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** {@code host:port}. */
    public String address() {
        return "127.0.0.1:" + port;
    }

    /** A place in it as {@code --zk} and {@code --master} want it. */
    public String url(String path) {
        return "zk://" + address() + path;
    }

    public String log() throws IOException {
        return Files.readString(directory.resolve("zookeeper.log"));
    }

    /** SIGKILL; returns when it is gone. */
    public void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** SIGSTOP: it does nothing any more, and its connections stay. */
    public void stop() throws IOException, InterruptedException {
        ChildJvm.signal(process, "STOP");
    }

    /** SIGCONT. */
    public void goOn() throws IOException, InterruptedException {
        ChildJvm.signal(process, "CONT");
    }

    /** Starts the next one on the same data and port; returns when that serves, alone, or answers, in an ensemble. */
    public void restart() throws Exception {
        process = launch();
        if (!awaitAnswer()) {
            throw new IOException("ZooKeeper does not start again: " + log());
        }
    }

    /** Its data stay: the directory is the test's. */
    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor(START_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
