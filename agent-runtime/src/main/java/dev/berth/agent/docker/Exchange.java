package dev.berth.agent.docker;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;

import dev.berth.agent.conductor.Answer;
import dev.berth.agent.config.AgentException;

import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.QueryStringDecoder;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * One request and its one answer.
 *
 * <p>Thread: the loop's; answers from elsewhere must be brought there first ({@link #loop}).
 */
final class Exchange {
    static final ObjectMapper JSON = new ObjectMapper();

    private final HttpConnection connection;
    private final String method;
    private final String path;
    private final Map<String, List<String>> query;
    private final HttpHeaders headers;
    private final List<String> stars;
    private final int minor;
    private byte[] body = new byte[0];
    private boolean answered;

    Exchange(
            HttpConnection connection,
            String method,
            QueryStringDecoder uri,
            HttpHeaders headers,
            Target target) {
        this.connection = connection;
        this.method = method;
        this.path = target.path();
        this.query = uri.parameters();
        this.headers = headers;
        this.stars = target.match().stars();
        this.minor = target.minor();
    }

    /** What a request's path named: {@code minor} is the 47 of {@code /v1.47}. */
    record Target(String path, int minor, Route.Match match) {}

    String method() {
        return method;
    }

    String path() {
        return path;
    }

    HttpHeaders headers() {
        return headers;
    }

    /** The minor version of the API that the client speaks: 47 for 1.47. */
    int minor() {
        return minor;
    }

    /** What the route's n-th star stood for. */
    String star(int n) {
        return QueryStringDecoder.decodeComponent(stars.get(n).replace("+", "%2B"));
    }

    String text(String name) {
        List<String> values = query.get(name);
        return values == null || values.isEmpty() ? "" : values.getFirst();
    }

    boolean has(String name) {
        return query.containsKey(name);
    }

    /** Docker's booleans: everything but "", 0, no, false and none is true. */
    boolean flag(String name) {
        return switch (text(name).strip().toLowerCase(java.util.Locale.ROOT)) {
            case "", "0", "no", "false", "none" -> false;
            default -> true;
        };
    }

    OptionalInt number(String name) throws AgentException {
        String text = text(name);
        if (text.isEmpty()) {
            return OptionalInt.empty();
        }
        try {
            return OptionalInt.of(Integer.parseInt(text));
        } catch (NumberFormatException _) {
            throw AgentException.invalid(
                    "invalid " + name + ": want a number, got \"" + text + "\"");
        }
    }

    /** The filters of a list, in both shapes that Docker ever had. */
    Filters filters() throws AgentException {
        return Filters.parse(text("filters"));
    }

    void body(byte[] bytes) {
        body = bytes;
    }

    /** The body as JSON; an empty one is an empty object. */
    JsonNode json() throws AgentException {
        if (body.length == 0) {
            return JsonNodeFactory.instance.objectNode();
        }
        try {
            JsonNode node = JSON.readTree(body);
            return node == null || node.isNull() ? JsonNodeFactory.instance.objectNode() : node;
        } catch (JsonProcessingException e) {
            throw AgentException.invalid("invalid JSON: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw AgentException.failed("read request body", e);
        }
    }

    /** The body as it comes; only for streamed routes, to be read on another thread. */
    InputStream bodyStream() {
        return connection.bodyStream();
    }

    /** Runs something on this exchange's thread. Any thread. */
    void loop(Runnable step) {
        connection.execute(step);
    }

    ApiContext context() {
        return connection.context();
    }

    HttpConnection connection() {
        return connection;
    }

    void answer(int status, JsonNode node) {
        try {
            answer(status, "application/json", JSON.writeValueAsBytes(node));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("write JSON", e);
        }
    }

    void answer(int status, String contentType, byte[] bytes) {
        answer(status, contentType, bytes, Map.of());
    }

    void answer(int status, String contentType, byte[] bytes, Map<String, String> more) {
        if (!answered) {
            answered = true;
            connection.respond(HttpResponseStatus.valueOf(status), contentType, bytes, more);
        }
    }

    void empty(int status) {
        answer(status, "", new byte[0]);
    }

    void fail(AgentException failure) {
        int status =
                switch (failure.kind()) {
                    case INVALID -> 400;
                    case NOT_FOUND -> 404;
                    case CONFLICT -> 409;
                    case NOT_MODIFIED -> 304;
                    case UNSUPPORTED -> 501;
                    case FAILED -> 500;
                };
        if (status == 304) {
            empty(304);
            return;
        }
        var out = JsonNodeFactory.instance.objectNode().put("message", failure.chain());
        if (failure.exitCode() != 0) {
            out.putObject("Berth").put("ExitCode", failure.exitCode());
        }
        answer(status, out);
    }

    /** An answer without content for a command that worked. */
    Answer<Boolean> done(int status) {
        return then(_ -> empty(status));
    }

    /** Does {@code step} with the result, and answers a failure. */
    <T> Answer<T> then(Consumer<T> step) {
        return new Answer<>() {
            @Override
            public void onResult(T result) {
                step.accept(result);
            }

            @Override
            public void onFailure(AgentException failure) {
                fail(failure);
            }
        };
    }

    /** Begins a chunked answer: its headers leave at once. */
    ByteSink stream(int status, String contentType) {
        answered = true;
        return connection.stream(HttpResponseStatus.valueOf(status), contentType);
    }

    /** Turns the connection into a raw stream both ways. */
    HijackedStream hijack(String contentType) throws AgentException {
        boolean upgrade = headers.contains("Upgrade");
        HijackedStream stream = connection.hijack(upgrade, contentType);
        answered = true;
        return stream;
    }

    boolean isAnswered() {
        return answered;
    }

    /** {@code gone} runs when the client leaves before the answer is complete. */
    void onGone(Runnable gone) {
        connection.onGone(gone);
    }
}
