package dev.berth.master.transport;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.QueryStringDecoder;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** What the head of a request decides, in the order in which Mesos asks: route, token, leader, recovery, method, content type. Any loop. */
final class RequestChecks {
    /** What became of a request. */
    sealed interface Verdict {
        record Passed(HttpExchange exchange) implements Verdict {}

        /**
         * @param atOnce not after its body, which has no end
         */
        record Refused(Reply reply, boolean atOnce) implements Verdict {
            Refused(Reply reply) {
                this(reply, false);
            }
        }
    }

    private final MasterGate gate;
    private final AccessToken token;
    private final Limits limits;

    RequestChecks(MasterGate gate, AccessToken token, Limits limits) {
        this.gate = gate;
        this.token = token;
        this.limits = limits;
    }

    /** Path and query of a request's target. Clients may name the whole address (RFC 9112, 3.2.2), and RxNetty does. */
    static String target(String uri) {
        int authority = uri.startsWith("/") ? -1 : uri.indexOf("://");
        if (authority < 0) {
            return uri;
        }
        int end = authority + 3;
        while (end < uri.length() && uri.charAt(end) != '/' && uri.charAt(end) != '?') {
            end++;
        }
        String rest = uri.substring(end);
        return rest.startsWith("/") ? rest : "/" + rest;
    }

    Verdict judge(HttpRequest request, HttpConnection connection) {
        String uri = target(request.uri());
        Optional<Endpoint> found;
        try {
            found = Endpoint.find(new QueryStringDecoder(uri, StandardCharsets.UTF_8).path());
        } catch (IllegalArgumentException _) {
            return new Verdict.Refused(Reply.text(400, "Malformed path"));
        }
        if (found.isEmpty()) {
            return new Verdict.Refused(Reply.empty(404));
        }
        Verdict verdict = judge(request, uri, found.get(), connection);
        return verdict instanceof Verdict.Refused(Reply reply, _)
                        && found.get().kind() == Endpoint.Kind.LINK
                        && HttpUtil.isTransferEncodingChunked(request)
                ? new Verdict.Refused(reply, true)
                : verdict;
    }

    private Verdict judge(
            HttpRequest request, String uri, Endpoint endpoint, HttpConnection connection) {
        AccessToken.Caller caller =
                token.check(request.headers().get(HttpHeaderNames.AUTHORIZATION));
        if (endpoint.needsToken() && !caller.allowed()) {
            return new Verdict.Refused(Reply.unauthorized(endpoint.realm()));
        }
        if (endpoint.needsLeader()) {
            Optional<Reply> elsewhere = Reply.notLeading(gate.standing(), uri);
            if (elsewhere.isPresent()) {
                return new Verdict.Refused(elsewhere.get());
            }
        }
        return shape(request, endpoint, caller, connection);
    }

    private Verdict shape(
            HttpRequest request,
            Endpoint endpoint,
            AccessToken.Caller caller,
            HttpConnection connection) {
        HttpMethod method = request.method();
        Encoding encoding = Encoding.JSON;
        if (!endpoint.isCall()) {
            if (!method.equals(HttpMethod.GET) && !method.equals(HttpMethod.HEAD)) {
                return new Verdict.Refused(Reply.notAllowed(method.name(), "GET, HEAD"));
            }
        } else {
            if (!method.equals(HttpMethod.POST)) {
                return new Verdict.Refused(Reply.notAllowed(method.name(), "POST"));
            }
            String type = request.headers().get(HttpHeaderNames.CONTENT_TYPE);
            if (type == null) {
                return new Verdict.Refused(
                        Reply.text(400, "Expecting 'Content-Type' to be present"));
            }
            Optional<Encoding> named = Encoding.ofContentType(type);
            boolean protobufOnly = endpoint.kind() == Endpoint.Kind.LINK;
            if (named.isEmpty() || (protobufOnly && named.get() != Encoding.PROTOBUF)) {
                return new Verdict.Refused(
                        Reply.text(
                                415,
                                "Expecting 'Content-Type' of "
                                        + (protobufOnly ? "" : "application/json or ")
                                        + "application/x-protobuf"));
            }
            encoding = named.get();
            String coding = request.headers().get(HttpHeaderNames.CONTENT_ENCODING);
            if (coding != null
                    && !Gzip.isCoded(coding)
                    && !coding.strip().equalsIgnoreCase("identity")) {
                return new Verdict.Refused(
                        Reply.text(415, "'Content-Encoding' may be gzip, not " + coding));
            }
        }
        if (endpoint.kind() != Endpoint.Kind.LINK
                && HttpUtil.getContentLength(request, 0L) > limits.bodyBytes()) {
            return new Verdict.Refused(
                    Reply.text(413, "The body is larger than " + limits.bodyBytes() + " bytes"));
        }
        return new Verdict.Passed(
                new HttpExchange(
                        endpoint,
                        method.name(),
                        target(request.uri()),
                        request.headers().copy(),
                        caller.principal(),
                        encoding,
                        connection));
    }
}
