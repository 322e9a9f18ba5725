package dev.berth.http;

import io.netty.handler.codec.http.HttpRequest;

import java.util.function.Supplier;

/**
 * What a server does with requests. The connection's loop; answers may come later, from any thread, by {@link HttpConnection#reply} on that loop.
 *
 * @param <X> a request, as the server sees it
 */
public interface Requests<X> {
    /** What the head of a request decides. */
    sealed interface Verdict<X> {
        /** Its body is gathered, then it is handled. */
        record Whole<X>(X exchange) implements Verdict<X> {}

        /** Its body is read as it comes. */
        record Endless<X>(Supplier<BodyReader> open) implements Verdict<X> {}

        /**
         * It is answered, and not handled.
         *
         * @param atOnce not after its body, which may have no end
         */
        record Refused<X>(Reply reply, boolean atOnce) implements Verdict<X> {
            public Refused(Reply reply) {
                this(reply, false);
            }
        }
    }

    /** Judges the head alone. */
    Verdict<X> judge(HttpRequest request, HttpConnection<X> connection);

    /** Handles a request whose body is whole and unpacked. */
    void handle(X exchange, byte[] body);
}
