package dev.berth.master.transport;

import dev.berth.http.Encoding;
import dev.berth.http.HttpConnection;
import dev.berth.http.Reply;

import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;

import org.jspecify.annotations.Nullable;

import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
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

    /**
     * Answers with something large, from any thread.
     *
     * @param within seconds, after which a client that has not taken it is cut off
     * @param taken is run once the client has taken it, or is gone
     */
    void answer(Reply reply, int within, Runnable taken) {
        channel()
                .executor()
                .execute(() -> inTime(channel(), connection.write(reply), within, taken));
    }

    /** Cuts a client off that has not taken what is being written to it so many seconds from now. Loop. */
    static void inTime(
            ChannelHandlerContext channel, ChannelFuture written, int within, Runnable taken) {
        var _ = written.addListener(_ -> taken.run());
        if (!written.isDone()) {
            Future<?> late =
                    channel.executor()
                            .schedule(
                                    () -> {
                                        var _ = channel.close();
                                    },
                                    within,
                                    TimeUnit.SECONDS);
            var _ = written.addListener(_ -> late.cancel(false));
        }
    }

    /** Begins a stream, from the loop or the conductor. */
    void stream(Consumer<HttpConnection<HttpExchange>> begin) {
        channel().executor().execute(() -> begin.accept(connection));
    }
}
