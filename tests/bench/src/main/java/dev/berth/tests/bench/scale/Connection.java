package dev.berth.tests.bench.scale;

import dev.berth.protocol.ProtocolException;
import dev.berth.protocol.RecordIo;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.local.LocalAddress;
import io.netty.channel.local.LocalChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A client's connection to the master through memory: calls one after the other, or one stream.
 *
 * <p>Thread: the clients' loop.
 */
final class Connection extends SimpleChannelInboundHandler<HttpObject> {
    static final String TOKEN = "simulated";

    private static final int LONGEST = 256 << 20;

    /** What is told of a stream. */
    interface Stream {
        /** Its head came. */
        default void begun(HttpHeaders headers) {}

        /** A whole record came. */
        void record(byte[] record, long atNs);
    }

    /** A whole answer. */
    record Reply(int status, byte[] body, long sentNs, long atNs) {}

    private record Pending(DefaultFullHttpRequest request, Consumer<Reply> done) {}

    private final ArrayDeque<Pending> queue = new ArrayDeque<>();
    private final ByteArrayOutputStream body = new ByteArrayOutputStream();
    private final RecordIo records = new RecordIo(LONGEST);
    private Stream stream = (_, _) -> {};
    private boolean streaming;
    private boolean busy;
    private long sentNs;
    private int status;
    private final Channel channel;

    private Connection(Channel channel) {
        this.channel = channel;
    }

    /** Connects; any thread, blocks until it stands. */
    static Connection open(EventLoopGroup clients, LocalAddress master) throws IOException {
        var connected =
                new Bootstrap()
                        .group(clients)
                        .channel(LocalChannel.class)
                        .handler(
                                new ChannelInitializer<LocalChannel>() {
                                    @Override
                                    protected void initChannel(LocalChannel made) {
                                        made.pipeline()
                                                .addLast(new HttpClientCodec(4096, 8192, 65_536))
                                                .addLast(new Connection(made));
                                    }
                                })
                        .connect(master)
                        .awaitUninterruptibly();
        if (!connected.isSuccess()) {
            throw new IOException("connect to " + master, connected.cause());
        }
        return connected.channel().pipeline().get(Connection.class);
    }

    private static void head(HttpRequest request, String contentType, Map<String, String> more) {
        request.headers()
                .set(HttpHeaderNames.HOST, "master")
                .set(HttpHeaderNames.CONTENT_TYPE, contentType)
                .set(HttpHeaderNames.ACCEPT, contentType)
                .set(HttpHeaderNames.AUTHORIZATION, "Bearer " + TOKEN);
        more.forEach((name, value) -> request.headers().set(name, value));
    }

    private static DefaultFullHttpRequest request(
            String path, String contentType, byte[] call, Map<String, String> more) {
        DefaultFullHttpRequest request =
                new DefaultFullHttpRequest(
                        HttpVersion.HTTP_1_1, HttpMethod.POST, path, Unpooled.wrappedBuffer(call));
        head(request, contentType, more);
        request.headers().set(HttpHeaderNames.CONTENT_LENGTH, call.length);
        return request;
    }

    /** Runs on the clients' loop. */
    void run(Runnable step) {
        channel.eventLoop().execute(step);
    }

    /** A call that is answered as a whole, after those before it. Loop only. */
    void call(
            String path,
            String contentType,
            byte[] call,
            Map<String, String> more,
            Consumer<Reply> done) {
        queue.add(new Pending(request(path, contentType, call, more), done));
        next();
    }

    /** A page that is read. Loop only. */
    void page(String path, Consumer<Reply> done) {
        DefaultFullHttpRequest request =
                new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, path);
        head(request, "application/json", Map.of());
        queue.add(new Pending(request, done));
        next();
    }

    private void next() {
        if (!busy && !queue.isEmpty()) {
            busy = true;
            sentNs = System.nanoTime();
            var _ = channel.writeAndFlush(queue.element().request());
        }
    }

    /** A call that is answered with a stream. Loop only. */
    void subscribe(String path, String contentType, byte[] call, Stream to) {
        stream = to;
        streaming = true;
        var _ = channel.writeAndFlush(request(path, contentType, call, Map.of()));
    }

    /** An agent's link. Loop only. */
    void link(Stream to) {
        stream = to;
        streaming = true;
        DefaultHttpRequest request =
                new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, "/berth/v1/link");
        head(request, "application/x-protobuf", Map.of());
        request.headers().set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
        var _ = channel.writeAndFlush(request);
    }

    /** A record on the link. Loop only. */
    void say(byte[] framed) {
        var _ = channel.writeAndFlush(new DefaultHttpContent(Unpooled.wrappedBuffer(framed)));
    }

    void close() {
        var _ = channel.close();
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, HttpObject message)
            throws ProtocolException {
        long now = System.nanoTime();
        if (message instanceof HttpResponse response) {
            status = response.status().code();
            if (streaming) {
                stream.begun(response.headers());
            }
        }
        if (!(message instanceof HttpContent content)) {
            return;
        }
        ByteBuf bytes = content.content();
        if (streaming) {
            for (var buffer : bytes.nioBuffers()) {
                records.read(buffer, record -> stream.record(record, now));
            }
            return;
        }
        byte[] part = new byte[bytes.readableBytes()];
        bytes.readBytes(part);
        body.writeBytes(part);
        if (message instanceof LastHttpContent) {
            Pending answered = queue.remove();
            Reply reply = new Reply(status, body.toByteArray(), sentNs, now);
            body.reset();
            busy = false;
            answered.done().accept(reply);
            next();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        cause.printStackTrace(System.err);
        var _ = ctx.close();
    }
}
