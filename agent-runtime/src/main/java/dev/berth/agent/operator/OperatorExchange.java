package dev.berth.agent.operator;

import com.google.protobuf.Message;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.protocol.MesosJson;
import dev.berth.protocol.Preference;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.List;

/** One connection: one request after the other, each answered before the next is read. The loop's thread. */
final class OperatorExchange extends SimpleChannelInboundHandler<FullHttpRequest> {
    static final String JSON = "application/json";
    static final String PROTOBUF = "application/x-protobuf";

    private final OperatorRoutes routes;
    private final ArrayDeque<Request> waiting = new ArrayDeque<>();
    private boolean busy;

    OperatorExchange(OperatorRoutes routes) {
        super(FullHttpRequest.class);
        this.routes = routes;
    }

    /** One request; answers may come from any thread, once. */
    static final class Request {
        private final ChannelHandlerContext ctx;
        private final Runnable whenAnswered;
        private final boolean keepAlive;
        final boolean malformed;
        private final boolean head;
        final String method;
        final String path;
        final QueryStringDecoder uri;
        final String contentType;
        final String accept;
        final String messageType;
        final String messageAccept;
        final String authorization;
        final byte[] body;

        private Request(ChannelHandlerContext ctx, FullHttpRequest request, Runnable whenAnswered) {
            this.ctx = ctx;
            this.whenAnswered = whenAnswered;
            boolean broken = request.decoderResult().isFailure();
            // After what cannot be read nothing can be.
            keepAlive = HttpUtil.isKeepAlive(request) && !broken;
            head = request.method().equals(HttpMethod.HEAD);
            method = request.method().name();
            uri = new QueryStringDecoder(request.uri(), StandardCharsets.UTF_8);
            String asked = "";
            try {
                asked = uri.path();
            } catch (IllegalArgumentException _) {
                broken = true;
            }
            malformed = broken;
            path = withoutEndSlashes(asked);
            contentType = header(request, HttpHeaderNames.CONTENT_TYPE.toString());
            // A list may stand on several lines.
            accept = String.join(",", request.headers().getAll(HttpHeaderNames.ACCEPT));
            messageType = header(request, "Message-Content-Type");
            messageAccept = header(request, "Message-Accept");
            authorization = header(request, HttpHeaderNames.AUTHORIZATION.toString());
            body = new byte[request.content().readableBytes()];
            request.content().getBytes(request.content().readerIndex(), body);
        }

        private static String withoutEndSlashes(String path) {
            int end = path.length();
            while (end > 1 && path.charAt(end - 1) == '/') {
                end--;
            }
            return path.substring(0, end);
        }

        private static String header(FullHttpRequest request, String name) {
            return request.headers().get(name, "");
        }

        /** A parameter of the query; empty when it is not there. */
        String parameter(String name) {
            List<String> values = uri.parameters().getOrDefault(name, List.of());
            return values.isEmpty() ? "" : values.getFirst();
        }

        void answer(int status, String type, byte[] bytes, String... headers) {
            FullHttpResponse response =
                    new DefaultFullHttpResponse(
                            HttpVersion.HTTP_1_1,
                            HttpResponseStatus.valueOf(status),
                            head ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(bytes));
            response.headers()
                    .set(HttpHeaderNames.CONTENT_TYPE, type)
                    .set(HttpHeaderNames.CONTENT_LENGTH, bytes.length);
            for (int i = 0; i + 1 < headers.length; i += 2) {
                response.headers().set(headers[i], headers[i + 1]);
            }
            HttpUtil.setKeepAlive(response, keepAlive);
            ctx.executor()
                    .execute(() -> {
                        var written = ctx.writeAndFlush(response);
                        if (keepAlive) {
                            whenAnswered.run();
                        } else {
                            var _ = written.addListener(ChannelFutureListener.CLOSE);
                        }
                    });
        }

        void text(int status, String text, String... headers) {
            answer(
                    status,
                    "text/plain; charset=utf-8",
                    text.getBytes(StandardCharsets.UTF_8),
                    headers);
        }

        /** In the encoding that the client likes. */
        void message(Message message) {
            if (wantsProtobuf()) {
                answer(200, PROTOBUF, message.toByteArray());
            } else {
                answer(200, JSON, MesosJson.write(message));
            }
        }

        /** JSON where the client takes both, or says nothing. */
        boolean wantsProtobuf() {
            return !takes(JSON) && takes(PROTOBUF);
        }

        /** Whether the client takes such an answer. */
        boolean takes(String mediaType) {
            return accept.isBlank() || Preference.quality(accept, mediaType) > 0;
        }

        void fail(AgentException failure) {
            int status =
                    switch (failure.kind()) {
                        case INVALID, NOT_MODIFIED -> 400;
                        case NOT_FOUND -> 404;
                        case CONFLICT -> 409;
                        case UNSUPPORTED -> 501;
                        case FAILED -> 500;
                    };
            text(status, failure.chain());
        }
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest request) {
        waiting.add(new Request(ctx, request, () -> answered(ctx)));
        next(ctx);
    }

    private void answered(ChannelHandlerContext ctx) {
        busy = false;
        next(ctx);
    }

    private void next(ChannelHandlerContext ctx) {
        // The others wait here, when they came in one piece with this one, or in the socket.
        ctx.channel().config().setAutoRead(waiting.isEmpty() && !busy);
        if (busy || waiting.isEmpty()) {
            return;
        }
        busy = true;
        Request own = waiting.remove();
        if (own.malformed) {
            own.text(400, "Malformed request");
            return;
        }
        try {
            routes.handle(own);
        } catch (AgentException e) {
            own.fail(e);
        } catch (RuntimeException e) {
            AgentLog.error("operator API", e);
            own.text(500, "a fault of the agent: see its log");
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        var _ = ctx.close();
    }
}
