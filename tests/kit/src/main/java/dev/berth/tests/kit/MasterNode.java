package dev.berth.tests.kit;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A real {@code berth master} as a child JVM on a directory of its own, on any free port of 127.0.0.1. It may be killed, stopped, and started again on the same directory and port. One thread. */
public final class MasterNode implements AutoCloseable {
    private static final Pattern LISTENS =
            Pattern.compile("master listens on http://127\\.0\\.0\\.1:(\\d+)");
    private static final int START_SECONDS = 60;
    private static final Duration ANSWER = Duration.ofSeconds(2);
    private static final HttpClient HTTP =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(ANSWER)
                    .build();

    private final Path directory;
    private final List<String> jvmOptions;
    private final List<String> options;
    private int port;
    private int starts;
    private Process process;

    private MasterNode(Path directory, Collection<String> jvmOptions, Collection<String> options)
            throws IOException {
        this.directory = directory;
        this.jvmOptions = List.copyOf(jvmOptions);
        this.options = List.copyOf(options);
        process = launch();
    }

    /**
     * Starts a master below {@code directory}; returns when it listens, which is before it leads.
     *
     * @param options such as {@code --allow-anonymous} or {@code --zk}; not where it listens and where its data are
     */
    public static MasterNode start(Path directory, String... options) throws Exception {
        return start(directory, List.of(), List.of(options));
    }

    /** As the other. */
    public static MasterNode start(
            Path directory, Collection<String> jvmOptions, Collection<String> options)
            throws Exception {
        MasterNode master = new MasterNode(directory, jvmOptions, options);
        master.awaitListening();
        return master;
    }

    private Process launch() throws IOException {
        List<String> arguments =
                new ArrayList<>(
                        List.of(
                                "master",
                                "--listen",
                                "127.0.0.1:" + port,
                                "--data-root",
                                dataRoot().toString()));
        arguments.addAll(options);
        starts++;
        return ChildJvm.launch(
                logFile(), jvmOptions, "dev.berth.master.MasterMain", List.copyOf(arguments));
    }

    private void awaitListening() throws Exception {
        Await.until(
                "the master listens",
                START_SECONDS,
                () -> !process.isAlive() || LISTENS.matcher(log()).results().count() == starts);
        Matcher said = LISTENS.matcher(log());
        int found = 0;
        while (said.find()) {
            found++;
            port = Integer.parseInt(said.group(1));
        }
        if (found < starts) {
            int code = process.waitFor();
            throw new IOException("the master ended with " + code + ": " + log());
        }
    }

    public Path dataRoot() {
        return directory.resolve("data");
    }

    private Path logFile() {
        return directory.resolve("master.log");
    }

    public int port() {
        return port;
    }

    /** {@code http://127.0.0.1:PORT}. */
    public String url() {
        return "http://127.0.0.1:" + port;
    }

    public URI uri() {
        return URI.create(url());
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** Where the token is that guards it, unless it was told to go without, or to use another file. */
    public Path tokenFile() {
        return dataRoot().resolve("token");
    }

    /** Its token, where it has one. */
    public Optional<String> token() throws IOException {
        if (options.contains("--allow-anonymous")) {
            return Optional.empty();
        }
        int other = options.indexOf("--token-file");
        Path file = other < 0 ? tokenFile() : Path.of(options.get(other + 1));
        return Optional.of(Files.readString(file).strip());
    }

    /** Everything that this directory's masters have printed. */
    public String log() throws IOException {
        return Files.exists(logFile()) ? Files.readString(logFile()) : "";
    }

    /** The answer to a GET, whatever its code; redirects are not followed. */
    public HttpResponse<String> get(String path) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url() + path));
        token().ifPresent(token -> request.header("Authorization", "Bearer " + token));
        return HTTP.send(request.timeout(ANSWER).build(), HttpResponse.BodyHandlers.ofString());
    }

    /** A POST of a call in JSON, answered whenever the master comes to it; redirects are not followed. */
    public CompletableFuture<HttpResponse<String>> post(String path, String json)
            throws IOException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(url() + path))
                        .header("Content-Type", "application/json")
                        .header("Accept", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(json));
        token().ifPresent(token -> request.header("Authorization", "Bearer " + token));
        return HTTP.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    /** Whether it leads now, and has read its registry; false also for one that does not answer. */
    public boolean leads() throws InterruptedException {
        try {
            HttpResponse<String> answer = get("/metrics/snapshot");
            return answer.statusCode() == 200
                    && answer.body().replace(" ", "").contains("\"master/elected\":1");
        } catch (IOException _) {
            return false;
        }
    }

    /** Waits until it leads, and returns itself. */
    public MasterNode awaitLeading(double seconds) throws Exception {
        Await.until(() -> "the master leads: " + text(), seconds, this::leads);
        return this;
    }

    private String text() {
        try {
            return log();
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** Waits until one of them leads: which. Those that are stopped take two seconds to be passed over. */
    public static MasterNode awaitLeader(Collection<MasterNode> masters, double seconds)
            throws Exception {
        List<MasterNode> found = new ArrayList<>();
        Await.until(
                "one of " + masters.size() + " masters leads",
                seconds,
                () -> {
                    for (MasterNode master : masters) {
                        if (master.isAlive() && master.leads()) {
                            found.add(master);
                            return true;
                        }
                    }
                    return false;
                });
        return found.getFirst();
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

    /** Starts the next master on the same directory and port; returns when it listens. */
    public void restart() throws Exception {
        process = launch();
        awaitListening();
    }

    /** SIGTERM, then SIGKILL after ten seconds. */
    @Override
    public void close() {
        ChildJvm.end(process);
    }
}
