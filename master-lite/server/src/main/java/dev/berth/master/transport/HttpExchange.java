package dev.berth.master.transport;

import dev.berth.http.Encoding;
import dev.berth.http.HttpConnection;
import dev.berth.http.Reply;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;

import org.jspecify.annotations.Nullable;

import java.util.Optional;
import java.util.function.Consumer;

/**
 * One request, with all that its answer depends on.
 *
 * @param principal who asks, where that was proved
 * @param encoding of the body, of calls only
 */
record HttpExchange(
        Endpoint endpoint,
        String method,
        String uri,
        HttpHeaders headers,
        Optional<String> principal,
        Encoding encoding,
        HttpConnection<HttpExchange> connection) {
    @Nullable String header(CharSequence name) {
        return headers.get(name);
    }

    /** Codings that the client takes. */
    String acceptEncoding() {
        String said = header(HttpHeaderNames.ACCEPT_ENCODING);
        return said == null ? "" : said;
    }

    ChannelHandlerContext channel() {
        return connection.channel();
    }

    /** Answers from any thread. */
    void answer(Reply reply) {
        channel().executor().execute(() -> connection.reply(reply));
    }

    /** Begins a stream, from the loop or the conductor. */
    void stream(Consumer<HttpConnection<HttpExchange>> begin) {
        channel().executor().execute(() -> begin.accept(connection));
    }
}
