package dev.berth.master.transport;

import dev.berth.http.AccessToken;
import dev.berth.http.Encoding;
import dev.berth.http.HttpConnection;
import dev.berth.http.PathTable;
import dev.berth.http.Reply;
import dev.berth.http.Requests;
import dev.berth.http.Requests.Verdict.Refused;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.QueryStringDecoder;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** What the head of a request decides, in the order in which Mesos asks: route, token, leader, recovery, method, content type. Any loop. */
final class RequestChecks implements Requests<HttpExchange> {
    private final MasterGate gate;
    private final AccessToken token;
    private final Calls calls;

    RequestChecks(MasterGate gate, AccessToken token, Calls calls) {
        this.gate = gate;
        this.token = token;
        this.calls = calls;
    }

    @Override
    public void handle(HttpExchange exchange, byte[] body) {
        calls.handle(exchange, body);
    }

    @Override
    public Verdict<HttpExchange> judge(
            HttpRequest request, HttpConnection<HttpExchange> connection) {
        String uri = PathTable.target(request.uri());
        Optional<Endpoint> found;
        try {
            found = Endpoint.find(new QueryStringDecoder(uri, StandardCharsets.UTF_8).path());
        } catch (IllegalArgumentException _) {
            return new Refused<>(Reply.text(400, "Malformed path"));
        }
        if (found.isEmpty()) {
            return new Refused<>(Reply.empty(404));
        }
        Verdict<HttpExchange> verdict = judge(request, uri, found.get(), connection);
        return verdict instanceof Refused<HttpExchange>(Reply reply, _)
                        && found.get().kind() == Endpoint.Kind.LINK
                        && HttpUtil.isTransferEncodingChunked(request)
                ? new Refused<>(reply, true)
                : verdict;
    }

    private Verdict<HttpExchange> judge(
            HttpRequest request,
            String uri,
            Endpoint endpoint,
            HttpConnection<HttpExchange> connection) {
        AccessToken.Caller caller =
                token.check(request.headers().get(HttpHeaderNames.AUTHORIZATION));
        if (endpoint.needsToken() && !caller.allowed()) {
            return new Refused<>(Reply.unauthorized(endpoint.realm(), "the master's token file"));
        }
        if (endpoint.needsLeader()) {
            Optional<Reply> elsewhere = Leadership.notLeading(gate.standing(), uri);
            if (elsewhere.isPresent()) {
                return new Refused<>(elsewhere.get());
            }
        }
        return shape(request, endpoint, caller, connection);
    }

    private Verdict<HttpExchange> shape(
            HttpRequest request,
            Endpoint endpoint,
            AccessToken.Caller caller,
            HttpConnection<HttpExchange> connection) {
        HttpMethod method = request.method();
        Encoding encoding = Encoding.JSON;
        if (!endpoint.isCall()) {
            if (!method.equals(HttpMethod.GET) && !method.equals(HttpMethod.HEAD)) {
                return new Refused<>(Reply.notAllowed(method.name(), "GET, HEAD"));
            }
        } else {
            if (!method.equals(HttpMethod.POST)) {
                return new Refused<>(Reply.notAllowed(method.name(), "POST"));
            }
            String type = request.headers().get(HttpHeaderNames.CONTENT_TYPE);
            if (type == null) {
                return new Refused<>(Reply.text(400, "Expecting 'Content-Type' to be present"));
            }
            Optional<Encoding> named = Encoding.ofContentType(type);
            boolean protobufOnly = endpoint.kind() == Endpoint.Kind.LINK;
            if (named.isEmpty() || (protobufOnly && named.get() != Encoding.PROTOBUF)) {
                return new Refused<>(
                        Reply.text(
                                415,
                                "Expecting 'Content-Type' of "
                                        + (protobufOnly ? "" : "application/json or ")
                                        + "application/x-protobuf"));
            }
            encoding = named.get();
        }
        HttpExchange exchange =
                new HttpExchange(
                        endpoint,
                        method.name(),
                        PathTable.target(request.uri()),
                        request.headers().copy(),
                        caller.principal(),
                        encoding,
                        connection);
        return endpoint.kind() == Endpoint.Kind.LINK
                ? new Verdict.Endless<>(() -> calls.link(exchange))
                : new Verdict.Whole<>(exchange);
    }
}
