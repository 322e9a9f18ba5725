package dev.berth.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * One client's connection: takes requests one after the other, refuses what the headers alone condemn, gathers the body of the rest, and writes the answer; or becomes a stream, or reads a body that has no end.
 *
 * <p>A client may ask ahead, but is answered no further than it reads; it may end its half and is answered still. Whoever does not say a whole request in a minute, or nothing for ten between two, is let go.
 *
 * <p>Thread: the loop's.
 *
 * @param <X> a request, as the server sees it
 */
public final class HttpConnection<X> extends ChannelInboundHandlerAdapter {
    private static final int MOST_WAITING = 64;
    private static final int WHOLE_WITHIN_SECONDS = 60;
    private static final int IDLE_SECONDS = 600;

    private final Requests<X> requests;
    private final int mostBodyBytes;
    private final ArrayDeque<Object> waiting = new ArrayDeque<>();
    private @Nullable ChannelHandlerContext channel;
    private @Nullable X exchange;
    private @Nullable Reply refusal;
    private @Nullable CompositeByteBuf body;
    private @Nullable BodyReader reader;
    private @Nullable Outflow outflow;
    private @Nullable Future<?> deadline;
    private Runnable gone = () -> {};
    private String acceptCoding = "";
    private long drained;
    private boolean head;
    private boolean keepAlive;
    private boolean packed;
    private boolean inputOver;
    private boolean unread;
    private boolean lingering;
    private boolean complete = true;
    private boolean responding;
    private boolean taking;

    /** @param mostBodyBytes of one request, also after decompression */
    public HttpConnection(Requests<X> requests, int mostBodyBytes) {
        this.requests = requests;
        this.mostBodyBytes = mostBodyBytes;
    }

    /** What reads and writes HTTP before it in the pipeline. */
    public static HttpServerCodec codec() {
        return new HttpServerCodec(
                new HttpDecoderConfig()
                        .setMaxInitialLineLength(16 * 1024)
                        .setMaxHeaderSize(64 * 1024)
                        .setMaxChunkSize(64 * 1024));
    }

    /** Its place in the pipeline, whose executor is the loop. */
    public ChannelHandlerContext channel() {
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
        boolean over = lingering || (reader == null ? outflow != null : complete);
        if (over) {
            // After a stream, or the end of what was said, nothing can come.
            ReferenceCountUtil.release(message);
        } else if (mayTake(complete) && waiting.isEmpty()) {
            take(message);
        } else {
            // What was asked ahead waits for the answer before it.
            waiting.add(message);
            if (waiting.size() >= MOST_WAITING) {
                ctx.channel().config().setAutoRead(false);
            }
        }
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
            refusal = Reply.text(400, "Malformed request: " + request.decoderResult().cause());
            refuseAtOnce();
            return;
        }
        if (judged(request)) {
            return;
        }
        if (HttpUtil.is100ContinueExpected(request)) {
            if (refusal != null) {
                // The client has not sent its body and will not.
                refuseAtOnce();
                return;
            }
            goAhead();
        }
    }

    private void goAhead() {
        var _ =
                channel()
                        .writeAndFlush(
                                new DefaultFullHttpResponse(
                                        HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE));
    }

    /** Whether that was all that there is to do with the request's head. */
    private boolean judged(HttpRequest request) {
        Requests.Verdict<X> verdict = requests.judge(request, this);
        String coding = request.headers().get(HttpHeaderNames.CONTENT_ENCODING);
        switch (verdict) {
            case Requests.Verdict.Refused<X>(Reply reply, boolean atOnce) -> {
                refusal = reply;
                if (atOnce) {
                    refuseAtOnce();
                    return true;
                }
            }
            case Requests.Verdict.Endless<X>(Supplier<BodyReader> open) -> {
                if (coding != null && !coding.strip().equalsIgnoreCase("identity")) {
                    refusal = Reply.text(415, "a body without an end may not be compressed");
                    refuseAtOnce();
                    return true;
                }
                responding = true;
                reader = open.get();
                if (outflow == null && HttpUtil.is100ContinueExpected(request)) {
                    goAhead();
                }
                return true;
            }
            case Requests.Verdict.Whole<X>(X passed) -> {
                exchange = passed;
                packed = Gzip.isCoded(coding);
                refusal = Gzip.refusal(coding).orElse(null);
                if (refusal == null && HttpUtil.getContentLength(request, 0L) > mostBodyBytes) {
                    refusal = tooLarge();
                    refuseAtOnce();
                    return true;
                }
                body = channel().alloc().compositeBuffer(1024);
            }
        }
        return false;
    }

    private Reply tooLarge() {
        return Reply.text(413, "The body is larger than " + mostBodyBytes + " bytes");
    }

    /** Whatever else the client says is not read for what it is. */
    private void refuseAtOnce() {
        unread = true;
        keepAlive = false;
        complete = true;
        respondRefusal();
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
        deadline = channel().executor().schedule(this::tooLate, seconds, TimeUnit.SECONDS);
    }

    private void tooLate() {
        if (complete || reader != null) {
            var _ = channel().close();
            return;
        }
        if (refusal == null) {
            refusal =
                    Reply.text(
                            408,
                            "The request was not whole after " + WHOLE_WITHIN_SECONDS + " seconds");
        }
        refuseAtOnce();
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        endAfter(WHOLE_WITHIN_SECONDS);
        ctx.fireChannelActive();
    }

    private void content(HttpContent content) {
        if (complete) {
            return;
        }
        BodyReader endless = reader;
        CompositeByteBuf whole = body;
        ByteBuf bytes = content.content();
        if (content.decoderResult().isFailure()) {
            if (endless != null) {
                keepAlive = false;
                complete = true;
                endless.end();
                return;
            }
            refusal = Reply.text(400, "Malformed request: " + content.decoderResult().cause());
            refuseAtOnce();
            return;
        }
        if (endless != null) {
            endless.read(bytes);
        } else if (refusal != null || whole == null) {
            drained += bytes.readableBytes();
        } else if (whole.readableBytes() + bytes.readableBytes() > mostBodyBytes) {
            refusal = tooLarge();
            dropBody();
        } else {
            whole.addComponent(true, bytes.retain());
        }
        if (content instanceof LastHttpContent) {
            complete = true;
            whole();
        } else if (refusal != null && drained > mostBodyBytes) {
            // It was given the chance to end its request; the rest is not worth reading.
            refuseAtOnce();
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
        BodyReader endless = reader;
        X current = exchange;
        CompositeByteBuf gathered = body;
        if (endless != null) {
            endless.end();
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
        if (packed) {
            try {
                bytes = Gzip.expand(bytes, mostBodyBytes);
            } catch (IOException e) {
                reply(Reply.text(400, "Content-Encoding gzip: " + e.getMessage()));
                return;
            }
        }
        requests.handle(current, bytes);
    }

    private void dropBody() {
        CompositeByteBuf gathered = body;
        body = null;
        if (gathered != null) {
            gathered.release();
        }
    }

    /** Writes a whole answer, and goes on to the next request. */
    public void reply(Reply plain) {
        var _ = write(plain);
    }

    /** The same; the future is done when the client has taken the answer, or is gone. */
    public ChannelFuture write(Reply plain) {
        if (!channel().channel().isActive()) {
            return channel().close();
        }
        if (reader != null) {
            // What else comes of a body without an end is for nobody.
            unread = !complete;
            keepAlive = false;
            complete = true;
            withoutDeadline();
        }
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
        ChannelFuture written = channel().writeAndFlush(response);
        finished();
        return written;
    }

    /** Writes the head of a stream; its events follow until it ends, and the connection with it. */
    public void stream(
            Encoding encoding, Map<String, String> headers, Outflow queue, Runnable whenGone) {
        if (!channel().channel().isActive()) {
            queue.left();
            whenGone.run();
            return;
        }
        withoutDeadline();
        keepAlive = false;
        outflow = queue;
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
            closeWhenWritten();
            return;
        }
        endAfter(IDLE_SECONDS);
        goOn();
    }

    /** Takes what has been waiting, as long as the client reads what it is answered. */
    private void goOn() {
        // A refusal is answered at once and comes back here: the loop below goes on with it.
        if (taking) {
            return;
        }
        taking = true;
        while (mayTake(complete) && !waiting.isEmpty()) {
            take(waiting.remove());
        }
        taking = false;
        if (!waiting.isEmpty()) {
            return;
        }
        if (inputOver && !responding) {
            closeWhenWritten();
        } else if (mayTake(true)) {
            channel().channel().config().setAutoRead(true);
        }
    }

    /** @param begins a request, which waits until the client has read the answers that it was given */
    private boolean mayTake(boolean begins) {
        return reader != null || (!responding && !(begins && !channel().channel().isWritable()));
    }

    private void closeWhenWritten() {
        responding = true;
        var written = channel().writeAndFlush(Unpooled.EMPTY_BUFFER);
        if (unread && channel().channel() instanceof DuplexChannel duplex) {
            var _ = written.addListener(_ -> linger(duplex));
        } else {
            var _ = written.addListener(ChannelFutureListener.CLOSE);
        }
    }

    /** Who closes with something unread makes the kernel reset the connection, and the client might lose the answer: the rest is let go by, until the client has done. */
    private void linger(DuplexChannel duplex) {
        lingering = true;
        endAfter(WHOLE_WITHIN_SECONDS);
        var _ = duplex.shutdownOutput();
        duplex.config().setAutoRead(true);
    }

    /** Whether its answer has no end. */
    public boolean isStream() {
        return outflow != null;
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        Optional.ofNullable(outflow).ifPresent(Outflow::drain);
        if (outflow == null && !responding && ctx.channel().isWritable()) {
            goOn();
        }
        ctx.fireChannelWritabilityChanged();
    }

    /** The client has ended its half: what it asked before is answered; whoever is told a stream is gone, since most that are gone look like that. */
    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof ChannelInputShutdownEvent) {
            inputOver = true;
            if (lingering || outflow != null || reader != null) {
                var _ = ctx.close();
            } else if (!responding && waiting.isEmpty()) {
                closeWhenWritten();
            }
        }
        ctx.fireUserEventTriggered(event);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        Optional.ofNullable(outflow).ifPresent(Outflow::left);
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
