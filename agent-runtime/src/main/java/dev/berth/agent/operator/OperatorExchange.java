package dev.berth.agent.operator;

import com.google.protobuf.Message;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.protocol.MesosJson;

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
import java.util.List;

/** One connection: one request after the other, each answered before the next is read. The loop's thread. */
final class OperatorExchange extends SimpleChannelInboundHandler<FullHttpRequest> {
    static final String JSON = "application/json";
    static final String PROTOBUF = "application/x-protobuf";

    private final OperatorRoutes routes;

    OperatorExchange(OperatorRoutes routes) {
        super(FullHttpRequest.class);
        this.routes = routes;
    }

    /** One request; answers may come from any thread, once. */
    static final class Request {
        private final ChannelHandlerContext ctx;
        private final boolean keepAlive;
        private final boolean head;
        final String method;
        final String path;
        final QueryStringDecoder uri;
        final String contentType;
        final String accept;
        final String authorization;
        final byte[] body;

        private Request(ChannelHandlerContext ctx, FullHttpRequest request) {
            this.ctx = ctx;
            keepAlive = HttpUtil.isKeepAlive(request);
            head = request.method().equals(HttpMethod.HEAD);
            method = request.method().name();
            uri = new QueryStringDecoder(request.uri(), StandardCharsets.UTF_8);
            path = uri.path();
            contentType = header(request, HttpHeaderNames.CONTENT_TYPE.toString());
            accept = header(request, HttpHeaderNames.ACCEPT.toString());
            authorization = header(request, HttpHeaderNames.AUTHORIZATION.toString());
            body = new byte[request.content().readableBytes()];
            request.content().getBytes(request.content().readerIndex(), body);
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
                            ctx.channel().config().setAutoRead(true);
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

        boolean wantsProtobuf() {
            return accept.contains(PROTOBUF) && !accept.contains(JSON) && !accept.contains("*/*");
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
        // The next one waits in the socket until this one is answered.
        ctx.channel().config().setAutoRead(false);
        Request own = new Request(ctx, request);
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
