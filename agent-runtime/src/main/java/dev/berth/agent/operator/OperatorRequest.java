package dev.berth.agent.operator;

import com.google.protobuf.Message;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.http.Encoding;
import dev.berth.http.HttpConnection;
import dev.berth.http.Reply;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;

import java.util.List;
import java.util.Map;

/**
 * One request whose head is right. Answers may come from any thread, once.
 *
 * @param parameters of the query
 * @param said how a call is written
 * @param wanted how its answer is to be written
 * @param acceptCoding codings that the client takes
 */
record OperatorRequest(
        OperatorEndpoint endpoint,
        Map<String, List<String>> parameters,
        Form said,
        Form wanted,
        String acceptCoding,
        HttpConnection<OperatorRequest> connection) {
    /**
     * How messages are written.
     *
     * @param records one after the other in RecordIO
     */
    record Form(Encoding encoding, boolean records) {
        static final Form JSON = new Form(Encoding.JSON, false);
    }

    /** What may fail. */
    interface Step {
        void run() throws AgentException;
    }

    static OperatorRequest of(
            OperatorEndpoint endpoint,
            Map<String, List<String>> parameters,
            Form said,
            Form wanted,
            HttpRequest request,
            HttpConnection<OperatorRequest> connection) {
        return new OperatorRequest(
                endpoint,
                parameters,
                said,
                wanted,
                request.headers().get(HttpHeaderNames.ACCEPT_ENCODING, ""),
                connection);
    }

    /** A parameter of the query; empty when it is not there. */
    String parameter(String name) {
        List<String> values = parameters.getOrDefault(name, List.of());
        return values.isEmpty() ? "" : values.getFirst();
    }

    /** Runs a step whose failure, and be it our bug, is the answer. */
    void attempt(Step step) {
        try {
            step.run();
        } catch (AgentException e) {
            fail(e);
        } catch (RuntimeException e) {
            AgentLog.error("operator API: " + endpoint, e);
            answer(Reply.text(500, "a fault of the agent: see its log"));
        }
    }

    /** Goes on on the connection's loop. */
    void later(Step step) {
        connection.channel().executor().execute(() -> attempt(step));
    }

    void answer(Reply reply) {
        // What is large is compressed here, where it was made.
        Reply packed = reply.packed(acceptCoding);
        connection.channel().executor().execute(() -> connection.reply(packed));
    }

    /** In the encoding that the client likes. */
    void message(Message message) {
        Encoding encoding = wanted.encoding();
        answer(Reply.of(200, encoding.mediaType(), encoding.write(message)));
    }

    private void fail(AgentException failure) {
        int status =
                switch (failure.kind()) {
                    case INVALID, NOT_MODIFIED -> 400;
                    case NOT_FOUND -> 404;
                    case CONFLICT -> 409;
                    case UNSUPPORTED -> 501;
                    case FAILED -> 500;
                };
        answer(Reply.text(status, failure.chain()));
    }
}
