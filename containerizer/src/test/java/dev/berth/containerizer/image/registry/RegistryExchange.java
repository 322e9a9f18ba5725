package dev.berth.containerizer.image.registry;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.URI;
import java.util.Optional;

/** One request and its answer, byte by byte as the test wants it. Thread: the one that answers; every write blocks until the socket took it. */
public final class RegistryExchange implements AutoCloseable {
    private final Channel channel;
    private final URI uri;
    private final HttpHeaders asked;
    private final boolean bodyless;
    private final HttpHeaders given = new DefaultHttpHeaders();
    private boolean begun;
    private long owed;

    RegistryExchange(Channel channel, FullHttpRequest request) {
        this.channel = channel;
        uri = URI.create(request.uri());
        asked = request.headers();
        bodyless = request.method().equals(HttpMethod.HEAD);
    }

    public String path() {
        return uri.getPath();
    }

    /** Decoded. */
    public Optional<String> query() {
        return Optional.ofNullable(uri.getQuery());
    }

    public @Nullable String header(String name) {
        return asked.get(name);
    }

    /** Sets a header of the answer. */
    public void answerHeader(String name, String value) {
        given.set(name, value);
    }

    /** Sends status and headers, and promises {@code length} bytes. */
    public void begin(int status, long length) throws IOException {
        given.set(HttpHeaderNames.CONTENT_LENGTH, length);
        begun = true;
        owed = bodyless ? 0 : length;
        sent(
                channel.writeAndFlush(
                        new DefaultHttpResponse(
                                HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(status), given)));
    }

    /** Sends a part of the promised bytes. */
    public void write(byte[] bytes, int from, int count) throws IOException {
        owed -= count;
        sent(
                channel.writeAndFlush(
                        new DefaultHttpContent(Unpooled.wrappedBuffer(bytes, from, count))));
    }

    private static void sent(ChannelFuture future) throws IOException {
        if (!future.awaitUninterruptibly().isSuccess()) {
            throw new IOException("the client went away", future.cause());
        }
    }

    /** Ends the answer: the connection stays for the next request only when all that was promised was sent. */
    @Override
    public void close() {
        if (begun && owed == 0) {
            channel.writeAndFlush(new DefaultLastHttpContent()).awaitUninterruptibly();
        } else {
            channel.close().awaitUninterruptibly();
        }
    }
}
