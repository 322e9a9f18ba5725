package dev.berth.containerizer.image.registry;

import dev.berth.containerizer.image.archive.OciImageWriter;
import dev.berth.containerizer.image.manifest.ContentDigest;
import dev.berth.containerizer.image.manifest.MediaTypes;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;

import java.io.IOException;
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
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** A registry on a loopback port that does what it should, except where a fault steps in. */
public final class FaultyRegistry implements AutoCloseable {
    /** Steps in before the registry answers. */
    @FunctionalInterface
    public interface Fault {
        /** True when it has answered itself. */
        boolean answered(RegistryExchange exchange) throws IOException;
    }

    /** What a client asked for. */
    public record Request(
            String path,
            Optional<String> authorization,
            Optional<String> range,
            Optional<String> query) {}

    private record Manifest(byte[] bytes, String type) {}

    private static final int LONGEST_REQUEST = 1 << 20;

    private final EventLoopGroup loops =
            new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final Channel server;
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
        ChannelFuture bound =
                new ServerBootstrap()
                        .group(loops)
                        .channel(NioServerSocketChannel.class)
                        .childHandler(
                                new ChannelInitializer<SocketChannel>() {
                                    @Override
                                    protected void initChannel(SocketChannel channel) {
                                        channel.pipeline()
                                                .addLast(new HttpServerCodec())
                                                .addLast(new HttpObjectAggregator(LONGEST_REQUEST))
                                                .addLast(new Requests());
                                    }
                                })
                        .bind(new InetSocketAddress(InetAddress.getByName(address), 0))
                        .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new IOException("bind " + address, bound.cause());
        }
        server = bound.channel();
    }

    /** Hands each request to a thread of its own, since faults block. */
    private final class Requests extends SimpleChannelInboundHandler<FullHttpRequest> {
        @Override
        protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
            RegistryExchange exchange = new RegistryExchange(context.channel(), request);
            threads.execute(() -> {
                try {
                    handle(exchange);
                } catch (IOException _) {
                    // The client went away; what it makes of that is what the test looks at.
                }
            });
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
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
        InetSocketAddress address = (InetSocketAddress) server.localAddress();
        return address.getHostString() + ":" + address.getPort();
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

    private void handle(RegistryExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.path();
            requests.add(
                    new Request(
                            path,
                            Optional.ofNullable(exchange.header("Authorization")),
                            Optional.ofNullable(exchange.header("Range")),
                            exchange.query()));
            if (fault.answered(exchange)) {
                return;
            }
            int slash = path.lastIndexOf('/');
            String name = path.substring(slash + 1);
            Manifest manifest = manifests.get(name);
            byte[] blob = blobs.get(name);
            if (path.contains("/manifests/") && manifest != null) {
                exchange.answerHeader("Content-Type", manifest.type());
                exchange.answerHeader(
                        "Docker-Content-Digest",
                        ContentDigest.of("sha256", manifest.bytes()).toString());
                send(exchange, 200, manifest.bytes());
            } else if (path.contains("/blobs/") && blob != null) {
                sendBlob(exchange, blob);
            } else {
                send(
                        exchange,
                        404,
                        "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"manifest unknown\"}]}");
            }
        }
    }

    private void sendBlob(RegistryExchange exchange, byte[] blob) throws IOException {
        String range = exchange.header("Range");
        int from = 0;
        if (range != null) {
            from = Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
            exchange.answerHeader(
                    "Content-Range", "bytes " + from + "-" + (blob.length - 1) + "/" + blob.length);
        }
        exchange.begin(range == null ? 200 : 206, blob.length - from);
        int step = 8192;
        for (int at = from; at < blob.length; at += step) {
            int most = Math.min(step, blob.length - at);
            exchange.write(blob, at, most);
            blobBytesServed.addAndGet(most);
        }
    }

    public static void send(RegistryExchange exchange, int status, byte[] bytes)
            throws IOException {
        exchange.begin(status, bytes.length);
        if (bytes.length > 0) {
            exchange.write(bytes, 0, bytes.length);
        }
    }

    public static void send(RegistryExchange exchange, int status, String text) throws IOException {
        send(exchange, status, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Promises {@code bytes} and gives only the first {@code count}. */
    public void truncate(RegistryExchange exchange, byte[] bytes, int count) throws IOException {
        exchange.begin(200, bytes.length);
        exchange.write(bytes, 0, count);
        blobBytesServed.addAndGet(count);
    }

    @Override
    public void close() {
        threads.shutdownNow();
        server.close().awaitUninterruptibly();
        loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly();
    }
}
