package dev.berth.containerizer.image.registry;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import dev.berth.containerizer.image.archive.OciImageWriter;
import dev.berth.containerizer.image.manifest.ContentDigest;
import dev.berth.containerizer.image.manifest.MediaTypes;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

/** A registry on a loopback port that does what it should, except where a fault steps in. */
public final class FaultyRegistry implements AutoCloseable {
    /** Steps in before the registry answers. */
    @FunctionalInterface
    public interface Fault {
        /** True when it has answered itself. */
        boolean answered(HttpExchange exchange) throws IOException;
    }

    /** What a client asked for. */
    public record Request(
            String path, Optional<String> authorization, Optional<String> range, String query) {}

    private record Manifest(byte[] bytes, String type) {}

    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Map<String, byte[]> blobs = new ConcurrentHashMap<>();
    private final Map<String, Manifest> manifests = new ConcurrentHashMap<>();
    private final List<Request> requests = new CopyOnWriteArrayList<>();
    private final AtomicLong blobBytesServed = new AtomicLong();
    private volatile Fault fault = _ -> false;

    public FaultyRegistry() throws IOException {
        this("127.0.0.1");
    }

    public FaultyRegistry(String address) throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getByName(address), 0), 50);
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        server.start();
    }

    /** Options that make failures quick. */
    public static RegistryOptions quick() {
        return RegistryOptions.defaults()
                .withDockerConfig(Optional.empty())
                .withInsecureRegistries(Set.of())
                .withCertificates(Path.of("/nonexistent"))
                .withStallTimeout(Duration.ofMillis(700))
                .withRetry(new RetryPolicy(5, Duration.ofMillis(4), Duration.ofSeconds(3)));
    }

    public String host() {
        return server.getAddress().getHostString() + ":" + server.getAddress().getPort();
    }

    public void fault(Fault given) {
        fault = given;
    }

    public List<Request> requests() {
        return requests;
    }

    public long blobBytesServed() {
        return blobBytesServed.get();
    }

    public void blob(byte[] bytes) {
        blobs.put(ContentDigest.of("sha256", bytes).toString(), bytes);
    }

    public void manifest(String name, byte[] bytes, String type) {
        manifests.put(name, new Manifest(bytes, type));
    }

    /** Serves an image under a tag and by digest; returns the manifest's bytes. */
    public byte[] add(OciImageWriter image, String tag) throws IOException {
        byte[] result = new byte[0];
        for (Map.Entry<String, byte[]> file : image.layout(Optional.empty()).entrySet()) {
            if (file.getKey().startsWith("blobs/")) {
                String text = new String(file.getValue(), StandardCharsets.ISO_8859_1);
                blob(file.getValue());
                if (text.contains("\"" + MediaTypes.OCI_MANIFEST + "\"")) {
                    result = file.getValue();
                }
            }
        }
        manifest(tag, result, MediaTypes.OCI_MANIFEST);
        manifest(ContentDigest.of("sha256", result).toString(), result, MediaTypes.OCI_MANIFEST);
        return result;
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            requests.add(
                    new Request(
                            path,
                            Optional.ofNullable(
                                    exchange.getRequestHeaders().getFirst("Authorization")),
                            Optional.ofNullable(exchange.getRequestHeaders().getFirst("Range")),
                            String.valueOf(exchange.getRequestURI().getQuery())));
            if (fault.answered(exchange)) {
                return;
            }
            int slash = path.lastIndexOf('/');
            String name = path.substring(slash + 1);
            Manifest manifest = manifests.get(name);
            byte[] blob = blobs.get(name);
            if (path.contains("/manifests/") && manifest != null) {
                exchange.getResponseHeaders().set("Content-Type", manifest.type());
                exchange.getResponseHeaders()
                        .set(
                                "Docker-Content-Digest",
                                ContentDigest.of("sha256", manifest.bytes()).toString());
                send(exchange, 200, manifest.bytes());
            } else if (path.contains("/blobs/") && blob != null) {
                sendBlob(exchange, blob);
            } else {
                send(
                        exchange,
                        404,
                        "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"manifest unknown\"}]}"
                                .getBytes(StandardCharsets.UTF_8));
            }
        }
    }

    private void sendBlob(HttpExchange exchange, byte[] blob) throws IOException {
        String range = exchange.getRequestHeaders().getFirst("Range");
        int from = 0;
        if (range != null) {
            from = Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
            exchange.getResponseHeaders()
                    .set(
                            "Content-Range",
                            "bytes " + from + "-" + (blob.length - 1) + "/" + blob.length);
        }
        exchange.sendResponseHeaders(range == null ? 200 : 206, blob.length - from);
        write(exchange, blob, from, blob.length - from);
    }

    /** Writes and counts. */
    public void write(HttpExchange exchange, byte[] bytes, int from, int count) throws IOException {
        try (OutputStream body = exchange.getResponseBody()) {
            int step = 8192;
            for (int at = from; at < from + count; at += step) {
                int most = Math.min(step, from + count - at);
                body.write(bytes, at, most);
                blobBytesServed.addAndGet(most);
            }
        }
    }

    public static void send(HttpExchange exchange, int status, byte[] bytes) throws IOException {
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        if (bytes.length > 0) {
            exchange.getResponseBody().write(bytes);
        }
    }

    public static void send(HttpExchange exchange, int status, String text) throws IOException {
        send(exchange, status, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Promises {@code bytes} and gives only the first {@code count}. */
    public void truncate(HttpExchange exchange, byte[] bytes, int count) throws IOException {
        exchange.sendResponseHeaders(200, bytes.length);
        exchange.getResponseBody().write(bytes, 0, count);
        exchange.getResponseBody().flush();
        blobBytesServed.addAndGet(count);
        // Closing a body that is too short closes the connection.
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
