package dev.berth.master.transport;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * One client's connection: takes requests one after the other, refuses what the headers alone condemn, gathers the body of the rest, and writes the answer; or becomes a stream, or an agent's link.
 *
 * <p>Thread: the loop's.
 */
final class HttpConnection extends ChannelInboundHandlerAdapter {
    private static final int MOST_WAITING = 64;
    private static final int WHOLE_WITHIN_SECONDS = 60;
    private static final int IDLE_SECONDS = 600;

    private final MasterGate gate;
    private final Calls calls;
    private final RequestChecks checks;
    private final Limits limits;
    private final ArrayDeque<Object> waiting = new ArrayDeque<>();
    private @Nullable ChannelHandlerContext channel;
    private @Nullable HttpExchange exchange;
    private @Nullable Reply refusal;
    private @Nullable CompositeByteBuf body;
    private @Nullable LinkReader link;
    private @Nullable EventQueue events;
    private @Nullable Future<?> deadline;
    private Runnable gone = () -> {};
    private String acceptCoding = "";
    private long drained;
    private boolean head;
    private boolean keepAlive;
    private boolean complete = true;
    private boolean responding;
    private boolean taking;

    HttpConnection(MasterGate gate, Calls calls, RequestChecks checks, Limits limits) {
        this.gate = gate;
        this.calls = calls;
        this.checks = checks;
        this.limits = limits;
    }

    ChannelHandlerContext channel() {
        ChannelHandlerContext open = channel;
        if (open == null) {
            throw new IllegalStateException("connection is not open yet");
        }
        return open;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        channel = ctx;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (link == null && responding) {
            // A pipelined request waits for the answer before it; after a stream nothing can come.
            if (events != null) {
                ReferenceCountUtil.release(message);
                return;
            }
            waiting.add(message);
            if (waiting.size() >= MOST_WAITING) {
                ctx.channel().config().setAutoRead(false);
            }
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
        complete = false;
        drained = 0;
        keepAlive = HttpUtil.isKeepAlive(request);
        head = request.method().equals(HttpMethod.HEAD);
        String coding = request.headers().get(HttpHeaderNames.ACCEPT_ENCODING);
        acceptCoding = coding == null ? "" : coding;
        endAfter(WHOLE_WITHIN_SECONDS);
        if (request.decoderResult().isFailure()) {
            keepAlive = false;
            complete = true;
            begunResponding();
            reply(Reply.text(400, "Malformed request: " + request.decoderResult().cause()));
            return;
        }
        switch (checks.judge(request, this)) {
            case RequestChecks.Verdict.Refused(Reply reply, boolean atOnce) -> {
                refusal = reply;
                if (atOnce) {
                    keepAlive = false;
                    complete = true;
                    respondRefusal();
                    return;
                }
            }
            case RequestChecks.Verdict.Passed(HttpExchange passed) -> {
                exchange = passed;
                if (passed.endpoint().kind() == Endpoint.Kind.LINK) {
                    openLink();
                    return;
                }
                body = channel().alloc().compositeBuffer(1024);
            }
        }
        if (HttpUtil.is100ContinueExpected(request)) {
            if (refusal != null) {
                // The client has not sent its body and will not.
                keepAlive = false;
                complete = true;
                respondRefusal();
                return;
            }
            var _ =
                    channel()
                            .writeAndFlush(
                                    new DefaultFullHttpResponse(
                                            HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE));
        }
    }

    private void begunResponding() {
        responding = true;
        withoutDeadline();
    }

    private void withoutDeadline() {
        Future<?> pending = deadline;
        deadline = null;
        if (pending != null) {
            pending.cancel(false);
        }
    }

    /** Who does not say what is awaited in time is not waited for longer. */
    private void endAfter(int seconds) {
        withoutDeadline();
        deadline =
                channel()
                        .executor()
                        .schedule(
                                () -> {
                                    var _ = channel().close();
                                },
                                seconds,
                                TimeUnit.SECONDS);
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        endAfter(WHOLE_WITHIN_SECONDS);
        ctx.fireChannelActive();
    }

    private void openLink() {
        begunResponding();
        EventQueue queue = new EventQueue(channel(), Encoding.PROTOBUF, limits, calls.encoder());
        String peer =
                channel().channel().remoteAddress() instanceof InetSocketAddress address
                        ? address.getAddress().getHostAddress()
                        : "";
        LinkReader reader = new LinkReader(gate, channel(), new Streams.Agent(peer, queue), limits);
        link = reader;
        stream(Encoding.PROTOBUF, Map.of(), queue, reader::left);
    }

    private void content(HttpContent content) {
        if (complete) {
            return;
        }
        LinkReader reader = link;
        CompositeByteBuf whole = body;
        ByteBuf bytes = content.content();
        if (content.decoderResult().isFailure()) {
            keepAlive = false;
            complete = true;
            if (reader != null) {
                reader.end();
                return;
            }
            refusal = Reply.text(400, "Malformed request: " + content.decoderResult().cause());
            respondRefusal();
            return;
        }
        if (reader != null) {
            reader.read(bytes);
        } else if (refusal != null || whole == null) {
            drained += bytes.readableBytes();
        } else if (whole.readableBytes() + bytes.readableBytes() > limits.bodyBytes()) {
            refusal = Reply.text(413, "The body is larger than " + limits.bodyBytes() + " bytes");
        } else {
            whole.addComponent(true, bytes.retain());
        }
        if (content instanceof LastHttpContent) {
            complete = true;
            whole();
        } else if (refusal != null && drained > limits.bodyBytes()) {
            // It was given the chance to end its request; the rest is not worth reading.
            keepAlive = false;
            complete = true;
            respondRefusal();
        }
    }

    private void respondRefusal() {
        Reply refused = refusal;
        begunResponding();
        if (refused != null) {
            reply(refused);
        }
    }

    private void whole() {
        LinkReader reader = link;
        HttpExchange current = exchange;
        CompositeByteBuf gathered = body;
        if (reader != null) {
            reader.end();
            return;
        }
        if (refusal != null || current == null || gathered == null) {
            respondRefusal();
            return;
        }
        byte[] bytes = new byte[gathered.readableBytes()];
        gathered.readBytes(bytes);
        dropBody();
        begunResponding();
        try {
            calls.handle(
                    current,
                    Gzip.isCoded(current.header(HttpHeaderNames.CONTENT_ENCODING))
                            ? Gzip.expand(bytes, limits.bodyBytes())
                            : bytes);
        } catch (IOException e) {
            reply(Reply.text(400, "Content-Encoding gzip: " + e.getMessage()));
        }
    }

    private void dropBody() {
        CompositeByteBuf gathered = body;
        body = null;
        if (gathered != null) {
            gathered.release();
        }
    }

    /** Writes a whole answer, and goes on to the next request. */
    void reply(Reply plain) {
        Reply reply = plain.packed(acceptCoding);
        byte[] bytes = reply.body();
        DefaultFullHttpResponse response =
                new DefaultFullHttpResponse(
                        HttpVersion.HTTP_1_1,
                        HttpResponseStatus.valueOf(reply.status()),
                        head ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(bytes));
        if (!reply.contentType().isEmpty()) {
            response.headers().set(HttpHeaderNames.CONTENT_TYPE, reply.contentType());
        }
        for (Map.Entry<String, String> header : reply.headers()) {
            response.headers().add(header.getKey(), header.getValue());
        }
        response.headers().set(HttpHeaderNames.CONTENT_LENGTH, bytes.length);
        response.headers().set(HttpHeaderNames.CONNECTION, keepAlive ? "keep-alive" : "close");
        var _ = channel().writeAndFlush(response);
        finished();
    }

    /** Writes the head of a stream; its events follow until it ends, and the connection with it. */
    void stream(
            Encoding encoding, Map<String, String> headers, EventQueue queue, Runnable whenGone) {
        if (!channel().channel().isActive()) {
            queue.left();
            whenGone.run();
            return;
        }
        keepAlive = false;
        events = queue;
        gone = whenGone;
        DefaultHttpResponse response =
                new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
        response.headers().set(HttpHeaderNames.CONTENT_TYPE, encoding.mediaType());
        headers.forEach((name, value) -> response.headers().set(name, value));
        HttpUtil.setTransferEncodingChunked(response, true);
        var _ = channel().writeAndFlush(response);
        queue.begin();
    }

    private void finished() {
        exchange = null;
        refusal = null;
        responding = false;
        dropBody();
        if (!keepAlive) {
            responding = true;
            var _ =
                    channel()
                            .writeAndFlush(Unpooled.EMPTY_BUFFER)
                            .addListener(ChannelFutureListener.CLOSE);
            return;
        }
        endAfter(IDLE_SECONDS);
        // A refusal is answered at once and comes back here: that is for the loop below, not for a
        // deeper one.
        if (taking) {
            return;
        }
        taking = true;
        while ((!responding || link != null) && !waiting.isEmpty()) {
            take(waiting.remove());
        }
        taking = false;
        if (waiting.isEmpty()) {
            channel().channel().config().setAutoRead(true);
        }
    }

    /** Whether it is a stream or a link: then it ends when this master stops to lead. */
    boolean isStream() {
        return events != null;
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        Optional.ofNullable(events).ifPresent(EventQueue::drain);
        ctx.fireChannelWritabilityChanged();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        Optional.ofNullable(events).ifPresent(EventQueue::left);
        Runnable end = gone;
        gone = () -> {};
        end.run();
        begunResponding();
        dropBody();
        while (!waiting.isEmpty()) {
            ReferenceCountUtil.release(waiting.remove());
        }
        ctx.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        // The peer's doing (reset, timeout) or a bug in a handler: either way this connection is
        // over, and only it.
        var _ = ctx.close();
    }
}
