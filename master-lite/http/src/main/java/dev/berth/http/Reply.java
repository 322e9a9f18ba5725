package dev.berth.http;

import dev.berth.protocol.Preference;

import io.netty.handler.codec.http.HttpHeaderNames;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** A whole response. */
public record Reply(
        int status, String contentType, byte[] body, List<Map.Entry<String, String>> headers) {
    private static final String TEXT = "text/plain; charset=utf-8";

    private static final Map.Entry<String, String> PACKED =
            Map.entry(HttpHeaderNames.CONTENT_ENCODING.toString(), "gzip");

    /** With a body. */
    public static Reply of(int status, String contentType, byte[] body) {
        return new Reply(status, contentType, body, List.of());
    }

    /** Without a body. */
    public static Reply empty(int status) {
        return new Reply(status, "", new byte[0], List.of());
    }

    /** Of a sentence. */
    public static Reply text(int status, String text) {
        return of(status, TEXT, text.getBytes(StandardCharsets.UTF_8));
    }

    /** With a header more. */
    public Reply with(String name, String value) {
        List<Map.Entry<String, String>> more = new java.util.ArrayList<>(headers);
        more.add(Map.entry(name, value));
        return new Reply(status, contentType, body, List.copyOf(more));
    }

    /** The same, compressed where that is worth it and the client takes it; once only. */
    public Reply packed(String acceptEncoding) {
        if (body.length < Gzip.WORTH_BYTES
                || headers.contains(PACKED)
                || !Preference.takesCoding(acceptEncoding, "gzip")) {
            return this;
        }
        return new Reply(status, contentType, Gzip.compress(body), headers)
                .with(PACKED.getKey(), PACKED.getValue());
    }

    /**
     * No token was shown.
     *
     * @param file where it is to be found
     */
    public static Reply unauthorized(String realm, String file) {
        return text(
                        401,
                        "A token is needed: 'Authorization: Bearer TOKEN', with the token of "
                                + file)
                .with(HttpHeaderNames.WWW_AUTHENTICATE.toString(), "Basic realm=\"" + realm + "\"")
                .with(
                        HttpHeaderNames.WWW_AUTHENTICATE.toString(),
                        "Bearer realm=\"" + realm + "\"");
    }

    /** A method that the endpoint does not have. */
    public static Reply notAllowed(String method, String allowed) {
        return text(
                        405,
                        "Expecting one of { '"
                                + allowed.replace(", ", "', '")
                                + "' }, but received '"
                                + method
                                + "'")
                .with(HttpHeaderNames.ALLOW.toString(), allowed);
    }
}
