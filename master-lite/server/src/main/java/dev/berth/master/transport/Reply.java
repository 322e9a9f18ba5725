package dev.berth.master.transport;

import dev.berth.discovery.MasterAddress;
import dev.berth.protocol.Preference;

import io.netty.handler.codec.http.HttpHeaderNames;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A whole response. */
record Reply(int status, String contentType, byte[] body, List<Map.Entry<String, String>> headers) {
    private static final String TEXT = "text/plain; charset=utf-8";

    private static final Map.Entry<String, String> PACKED =
            Map.entry(HttpHeaderNames.CONTENT_ENCODING.toString(), "gzip");

    static Reply of(int status, String contentType, byte[] body) {
        return new Reply(status, contentType, body, List.of());
    }

    static Reply empty(int status) {
        return new Reply(status, "", new byte[0], List.of());
    }

    static Reply text(int status, String text) {
        return of(status, TEXT, text.getBytes(StandardCharsets.UTF_8));
    }

    Reply with(String name, String value) {
        List<Map.Entry<String, String>> more = new java.util.ArrayList<>(headers);
        more.add(Map.entry(name, value));
        return new Reply(status, contentType, body, List.copyOf(more));
    }

    /** The same, compressed where that is worth it and the client takes it; once only. */
    Reply packed(String acceptEncoding) {
        if (body.length < Gzip.WORTH_BYTES
                || headers.contains(PACKED)
                || !Preference.takesCoding(acceptEncoding, "gzip")) {
            return this;
        }
        return new Reply(status, contentType, Gzip.compress(body), headers)
                .with(PACKED.getKey(), PACKED.getValue());
    }

    static Reply unauthorized(String realm) {
        return text(
                        401,
                        "A token is needed: 'Authorization: Bearer TOKEN', with the token of the master's token file")
                .with(HttpHeaderNames.WWW_AUTHENTICATE.toString(), "Basic realm=\"" + realm + "\"")
                .with(
                        HttpHeaderNames.WWW_AUTHENTICATE.toString(),
                        "Bearer realm=\"" + realm + "\"");
    }

    static Reply notAllowed(String method, String allowed) {
        return text(
                        405,
                        "Expecting one of { '"
                                + allowed.replace(", ", "', '")
                                + "' }, but received '"
                                + method
                                + "'")
                .with(HttpHeaderNames.ALLOW.toString(), allowed);
    }

    /** To the same place on the leader. */
    static Reply redirect(MasterAddress leader, String uri) {
        return empty(307).with(HttpHeaderNames.LOCATION.toString(), "//" + leader + uri);
    }

    /** Why this master does not answer itself; empty when it does. */
    static Optional<Reply> notLeading(MasterGate.Standing standing, String uri) {
        return switch (standing) {
            case MasterGate.Standing.Leading _ -> Optional.empty();
            case MasterGate.Standing.Recovering _ ->
                    Optional.of(text(503, "Master has not finished recovery"));
            case MasterGate.Standing.Following(Optional<MasterAddress> leader) ->
                    Optional.of(
                            leader.map(address -> redirect(address, uri))
                                    .orElseGet(() -> text(503, "No leader elected")));
        };
    }
}
