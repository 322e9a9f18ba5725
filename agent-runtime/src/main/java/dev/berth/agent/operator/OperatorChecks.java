package dev.berth.agent.operator;

import dev.berth.agent.operator.OperatorRequest.Form;
import dev.berth.http.Encoding;
import dev.berth.http.HttpConnection;
import dev.berth.http.PathTable;
import dev.berth.http.Reply;
import dev.berth.http.Requests;
import dev.berth.protocol.Preference;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.QueryStringDecoder;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** What the head of a request decides, in the order in which Mesos's agent asks: route, token, recovery, method, content type, what is accepted. The loop. */
final class OperatorChecks implements Requests<OperatorRequest> {
    private static final String RECORDS = "application/recordio";
    private static final String TYPE_OF_RECORDS = "Message-Content-Type";
    private static final String ACCEPT_OF_RECORDS = "Message-Accept";
    private static final int MOST_PARAMETERS = 64;

    private final OperatorToken token;
    private final OperatorRoutes routes;
    private final int mostBodyBytes;

    OperatorChecks(OperatorToken token, OperatorRoutes routes, int mostBodyBytes) {
        this.token = token;
        this.routes = routes;
        this.mostBodyBytes = mostBodyBytes;
    }

    /** A head that is refused. */
    private static final class RefusedException extends Exception {
        private static final long serialVersionUID = 1;
        private final transient Reply reply;

        private RefusedException(int status, String text) {
            this(Reply.text(status, text));
        }

        private RefusedException(Reply reply) {
            super(null, null, false, false);
            this.reply = reply;
        }
    }

    @Override
    public void handle(OperatorRequest request, byte[] body) {
        request.attempt(() -> routes.handle(request, body));
    }

    @Override
    public Verdict<OperatorRequest> judge(
            HttpRequest request, HttpConnection<OperatorRequest> connection) {
        boolean records = mediaType(request.headers()).equals(RECORDS);
        try {
            OperatorRequest passed = pass(request, connection);
            return passed.said().records()
                    ? new Verdict.Endless<>(() -> new FirstRecord(passed, routes, mostBodyBytes))
                    : new Verdict.Whole<>(passed);
        } catch (RefusedException e) {
            // Records may go on for as long as there is an answer to them.
            return new Verdict.Refused<>(e.reply, records);
        }
    }

    private OperatorRequest pass(HttpRequest request, HttpConnection<OperatorRequest> connection)
            throws RefusedException {
        QueryStringDecoder uri =
                new QueryStringDecoder(
                        PathTable.target(request.uri()),
                        StandardCharsets.UTF_8,
                        true,
                        MOST_PARAMETERS,
                        true);
        String path;
        Map<String, List<String>> parameters;
        try {
            path = uri.path();
            parameters = uri.parameters();
        } catch (IllegalArgumentException e) {
            throw new RefusedException(400, "Malformed target: " + e.getMessage());
        }
        Optional<OperatorEndpoint> found = OperatorEndpoint.find(path);
        if (found.isEmpty()) {
            throw new RefusedException(404, "no such page");
        }
        OperatorEndpoint endpoint = found.get();
        if (!endpoint.isOpen()) {
            if (!token.admits(request.headers().get(HttpHeaderNames.AUTHORIZATION))) {
                throw new RefusedException(
                        Reply.unauthorized(
                                endpoint.realm(), "the agent's DATA-ROOT/token, or its master's"));
            }
            if (!routes.isServing()) {
                throw new RefusedException(503, "Agent has not finished recovery");
            }
        }
        HttpMethod method = request.method();
        boolean call = endpoint == OperatorEndpoint.CALL;
        boolean allowed =
                call
                        ? method.equals(HttpMethod.POST)
                        : method.equals(HttpMethod.GET) || method.equals(HttpMethod.HEAD);
        if (!allowed) {
            throw new RefusedException(
                    Reply.notAllowed(method.name(), call ? "POST" : "GET, HEAD"));
        }
        Form said = call ? said(request.headers()) : Form.JSON;
        Form wanted = call ? wanted(request.headers()) : Form.JSON;
        return OperatorRequest.of(endpoint, parameters, said, wanted, request, connection);
    }

    private static String mediaType(HttpHeaders headers) {
        return headers.get(HttpHeaderNames.CONTENT_TYPE, "")
                .split(";", 2)[0]
                .strip()
                .toLowerCase(Locale.ROOT);
    }

    private static Form said(HttpHeaders headers) throws RefusedException {
        String type = headers.get(HttpHeaderNames.CONTENT_TYPE);
        if (type == null) {
            throw new RefusedException(400, "Expecting 'Content-Type' to be present");
        }
        String ofRecords = headers.get(TYPE_OF_RECORDS);
        if (mediaType(headers).equals(RECORDS)) {
            if (ofRecords == null) {
                throw new RefusedException(
                        400,
                        "Expecting '" + TYPE_OF_RECORDS + "' to be present for RecordIO messages");
            }
            return new Form(encoding(ofRecords, TYPE_OF_RECORDS, ""), true);
        }
        Form form = new Form(encoding(type, "Content-Type", ", or " + RECORDS), false);
        if (ofRecords != null) {
            throw new RefusedException(
                    415, "Expecting '" + TYPE_OF_RECORDS + "' not to be present");
        }
        return form;
    }

    private static Encoding encoding(String type, String header, String more)
            throws RefusedException {
        return Encoding.ofContentType(type)
                .orElseThrow(() ->
                        new RefusedException(
                                415,
                                "Expecting '"
                                        + header
                                        + "' of application/json or application/x-protobuf"
                                        + more));
    }

    /** Lists may stand on several lines. */
    private static String list(HttpHeaders headers, CharSequence name) {
        return String.join(",", headers.getAll(name));
    }

    private static Form wanted(HttpHeaders headers) throws RefusedException {
        String accept = list(headers, HttpHeaderNames.ACCEPT);
        Optional<Encoding> plain = Encoding.accepted(accept);
        String ofRecords = list(headers, ACCEPT_OF_RECORDS);
        if (plain.isPresent()) {
            if (headers.contains(ACCEPT_OF_RECORDS)) {
                throw new RefusedException(
                        406, "Expecting '" + ACCEPT_OF_RECORDS + "' not to be present");
            }
            return new Form(plain.get(), false);
        }
        if (Preference.quality(accept, RECORDS) <= 0) {
            throw new RefusedException(
                    406,
                    "Expecting 'Accept' to allow application/json, application/x-protobuf or "
                            + RECORDS);
        }
        return Encoding.accepted(ofRecords)
                .map(encoding -> new Form(encoding, true))
                .orElseThrow(() ->
                        new RefusedException(
                                406,
                                "Expecting '"
                                        + ACCEPT_OF_RECORDS
                                        + "' to allow application/json or application/x-protobuf"));
    }
}
