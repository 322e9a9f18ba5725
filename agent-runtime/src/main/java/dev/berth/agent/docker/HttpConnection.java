package dev.berth.agent.docker;

import dev.berth.agent.conductor.Counter;
import dev.berth.agent.config.AgentConfig;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.util.ReferenceCountUtil;

import org.jspecify.annotations.Nullable;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One client connection: takes requests one after the other, finds the endpoint, writes the answer, or becomes a raw stream.
 *
 * <p>Thread: the loop's.
 */
final class HttpConnection extends ChannelInboundHandlerAdapter {
    static final int NEWEST_MINOR = 47;
    static final int OLDEST_MINOR = 24;
    private static final int MOST_BODY_BYTES = 8 << 20;
    private static final int MOST_WAITING = 64;
    private static final Pattern VERSIONED = Pattern.compile("/v(\\d+)\\.(\\d+)(/.*)");

    private final ApiContext context;
    private final Route.Table routes;
    private final ArrayDeque<Object> waiting = new ArrayDeque<>();
    private @Nullable ChannelHandlerContext channel;
    private @Nullable Exchange exchange;
    private @Nullable Route route;
    private @Nullable CompositeByteBuf body;
    private @Nullable BodyPipe pipe;
    private @Nullable RawStream raw;
    private @Nullable ChunkedStream chunked;
    private Runnable gone = () -> {};
    private boolean requestComplete;
    private boolean keepAlive;
    private boolean responding;

    HttpConnection(ApiContext context, Route.Table routes) {
        this.context = context;
        this.routes = routes;
    }

    ApiContext context() {
        return context;
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        channel = ctx;
        context.counters().increment(Counter.HTTP_CONNECTIONS);
        ctx.fireChannelActive();
    }

    ChannelHandlerContext channel() {
        ChannelHandlerContext open = channel;
        if (open == null) {
            throw new IllegalStateException("connection is not open yet");
        }
        return open;
    }

    void execute(Runnable step) {
        context.loop().execute(step);
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        RawStream stream = raw;
        if (stream != null) {
            if (message instanceof ByteBuf bytes) {
                stream.input(bytes);
            } else {
                ReferenceCountUtil.release(message);
            }
            return;
        }
        if (responding) {
            // A pipelined request waits for the answer before it.
            if (waiting.size() >= MOST_WAITING) {
                ReferenceCountUtil.release(message);
                var _ = ctx.close();
                return;
            }
            waiting.add(message);
            return;
        }
        take(message);
    }

    private void take(Object message) {
        try {
            if (message instanceof HttpRequest request) {
                begin(request);
            }
            if (message instanceof HttpContent content) {
                content(content);
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    private void begin(HttpRequest request) {
        context.counters().increment(Counter.HTTP_REQUESTS);
        keepAlive = HttpUtil.isKeepAlive(request);
        requestComplete = false;
        QueryStringDecoder uri = new QueryStringDecoder(request.uri(), StandardCharsets.UTF_8);
        String path = uri.rawPath();
        int minor = NEWEST_MINOR;
        AgentException refused = null;
        Matcher versioned = VERSIONED.matcher(path);
        if (versioned.matches()) {
            path = versioned.group(3);
            minor =
                    versioned.group(1).equals("1") && versioned.group(2).length() < 4
                            ? Integer.parseInt(versioned.group(2))
                            : -1;
            refused = refuse(minor, versioned.group(1) + "." + versioned.group(2));
        }
        String method = request.method().equals(HttpMethod.HEAD) ? "GET" : request.method().name();
        boolean malformed = request.decoderResult().isFailure();
        keepAlive &= !malformed;
        Route.Match match = refused == null ? routes.find(method, path) : Route.refusing(refused);
        route = match.route();
        exchange =
                new Exchange(
                        this,
                        request.method().name(),
                        uri,
                        request.headers(),
                        new Exchange.Target(path, minor, match));
        if (malformed) {
            exchange.fail(AgentException.invalid("malformed request"));
            return;
        }
        if (HttpUtil.is100ContinueExpected(request)) {
            var _ =
                    channel()
                            .writeAndFlush(
                                    new DefaultFullHttpResponse(
                                            HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE));
        }
        if (match.route().streamed()) {
            pipe =
                    new BodyPipe(wanted ->
                            execute(() -> channel().channel().config().setAutoRead(wanted)));
            handle();
        } else {
            body = channel().alloc().compositeBuffer(1024);
        }
    }

    private static @Nullable AgentException refuse(int minor, String version) {
        if (minor >= OLDEST_MINOR && minor <= NEWEST_MINOR) {
            return null;
        }
        return AgentException.invalid(
                "client version "
                        + version
                        + (minor < OLDEST_MINOR && minor >= 0
                                ? " is too old. Minimum supported API version is 1."
                                        + OLDEST_MINOR
                                        + ", please upgrade your client to a newer version"
                                : " is too new. Maximum supported API version is 1."
                                        + NEWEST_MINOR));
    }

    private void content(HttpContent content) {
        BodyPipe streamed = pipe;
        CompositeByteBuf whole = body;
        if (streamed != null) {
            streamed.feed(content.content());
        } else if (whole != null) {
            if (whole.readableBytes() + content.content().readableBytes() > MOST_BODY_BYTES) {
                // The rest is read away, so that the client can read the answer.
                route =
                        Route.refusing(AgentException.invalid("request body is larger than 8 MiB"))
                                .route();
                whole.clear().discardReadComponents();
            } else {
                whole.addComponent(true, content.content().retain());
            }
        }
        if (content instanceof LastHttpContent) {
            requestComplete = true;
            if (streamed != null) {
                streamed.end();
                responding = exchange != null;
            } else if (whole != null) {
                byte[] bytes = new byte[whole.readableBytes()];
                whole.readBytes(bytes);
                dropBody();
                Exchange current = exchange;
                if (current != null) {
                    current.body(bytes);
                }
                handle();
            }
        }
    }

    private void dropBody() {
        CompositeByteBuf whole = body;
        body = null;
        if (whole != null) {
            whole.release();
        }
    }

    private void handle() {
        Exchange current = exchange;
        Route found = route;
        if (current == null || found == null) {
            return;
        }
        responding = pipe == null;
        try {
            found.handler().handle(current);
        } catch (AgentException e) {
            fail(e);
        } catch (RuntimeException e) {
            AgentLog.error(current.method() + " " + current.path(), e);
            fail(AgentException.failed(current.method() + " " + current.path(), e));
        }
    }

    private void fail(AgentException failure) {
        Exchange current = exchange;
        if (current != null) {
            current.fail(failure);
        }
    }

    InputStream bodyStream() {
        BodyPipe streamed = pipe;
        return streamed == null ? InputStream.nullInputStream() : streamed;
    }

    /** The client may send more only for what comes after the answer: it stays in the socket until then. */
    void holdInput() {
        channel().channel().config().setAutoRead(false);
    }

    void onGone(Runnable step) {
        gone = step;
    }

    void respond(
            HttpResponseStatus status, String contentType, byte[] bytes, Map<String, String> more) {
        if (status.code() >= 500 && status.code() != 501) {
            context.counters().increment(Counter.HTTP_REQUEST_FAILURES);
        }
        Exchange current = exchange;
        boolean head = current != null && current.method().equals("HEAD");
        boolean bare = status.code() == 204 || status.code() == 304;
        DefaultFullHttpResponse response =
                new DefaultFullHttpResponse(
                        HttpVersion.HTTP_1_1,
                        status,
                        head || bare ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(bytes));
        decorate(response.headers(), contentType);
        more.forEach((name, value) -> response.headers().set(name, value));
        if (!bare) {
            response.headers().set(HttpHeaderNames.CONTENT_LENGTH, bytes.length);
        }
        if (!requestComplete) {
            // What remains of the request would be taken for the next one.
            keepAlive = false;
        }
        response.headers().set(HttpHeaderNames.CONNECTION, keepAlive ? "keep-alive" : "close");
        var _ = channel().writeAndFlush(response);
        finished();
    }

    static void decorate(HttpHeaders headers, String contentType) {
        headers.set(HttpHeaderNames.SERVER, "Berth/" + AgentConfig.VERSION + " (linux)");
        headers.set("Api-Version", "1." + NEWEST_MINOR);
        headers.set("Docker-Experimental", "false");
        headers.set("Ostype", "linux");
        if (!contentType.isEmpty()) {
            headers.set(HttpHeaderNames.CONTENT_TYPE, contentType);
        }
    }

    ByteSink stream(HttpResponseStatus status, String contentType) {
        DefaultHttpResponse response = new DefaultHttpResponse(HttpVersion.HTTP_1_1, status);
        decorate(response.headers(), contentType);
        HttpUtil.setTransferEncodingChunked(response, true);
        var _ = channel().writeAndFlush(response);
        ChunkedStream stream = new ChunkedStream(channel(), this::finished);
        chunked = stream;
        return stream;
    }

    HijackedStream hijack(boolean upgrade, String contentType) throws AgentException {
        ChannelHandlerContext open = channel();
        int number = ((EpollDomainSocketChannel) open.channel()).fd().intValue();
        RawStream stream;
        try {
            stream = new RawStream(context, context.linux().files().duplicate(Fd.borrowed(number)));
        } catch (ErrnoException e) {
            throw AgentException.failed("hijack connection", e);
        }
        raw = stream;
        // What the decoder has read ahead comes out of it when it leaves; then Netty lets go.
        open.pipeline().remove(HttpServerCodec.class);
        var _ = open.close();
        String head =
                upgrade
                        ? "HTTP/1.1 101 UPGRADED\r\nContent-Type: "
                                + contentType
                                + "\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nServer: Berth/"
                                + AgentConfig.VERSION
                                + " (linux)\r\n\r\n"
                        : "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\nServer: Berth/"
                                + AgentConfig.VERSION
                                + " (linux)\r\n\r\n";
        stream.write(Unpooled.wrappedBuffer(head.getBytes(StandardCharsets.US_ASCII)));
        stream.flush();
        return stream;
    }

    /** The answer is written: on to the next request, or the end. */
    private void finished() {
        exchange = null;
        route = null;
        pipe = null;
        chunked = null;
        gone = () -> {};
        responding = false;
        dropBody();
        if (!keepAlive) {
            var _ =
                    channel()
                            .writeAndFlush(Unpooled.EMPTY_BUFFER)
                            .addListener(ChannelFutureListener.CLOSE);
            return;
        }
        channel().channel().config().setAutoRead(true);
        while (!responding && raw == null && !waiting.isEmpty()) {
            take(waiting.remove());
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        ChunkedStream chunks = chunked;
        if (chunks != null) {
            chunks.writabilityChanged();
        }
        ctx.fireChannelWritabilityChanged();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        ChunkedStream chunks = chunked;
        BodyPipe streamed = pipe;
        if (chunks != null) {
            chunks.left();
        }
        if (streamed != null) {
            streamed.breakOff();
        }
        if (raw == null) {
            gone.run();
        }
        gone = () -> {};
        dropBody();
        while (!waiting.isEmpty()) {
            ReferenceCountUtil.release(waiting.remove());
        }
        ctx.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (cause instanceof RuntimeException) {
            AgentLog.error("connection", cause);
        }
        var _ = ctx.close();
    }
}
