package dev.berth.master.transport;

import com.google.protobuf.Message;

import dev.berth.http.BodyReader;
import dev.berth.http.Encoding;
import dev.berth.http.Reply;
import dev.berth.master.cluster.Answer;
import dev.berth.master.core.MasterCore;
import dev.berth.master.operator.OperatorCalls;
import dev.berth.master.operator.Page;
import dev.berth.master.operator.PageQuery;
import dev.berth.master.operator.Readings;
import dev.berth.master.scheduler.SchedulerCalls;
import dev.berth.master.scheduler.Subscriptions;
import dev.berth.protocol.Preference;
import dev.berth.protocol.ProtocolException;
import dev.berth.protocol.v1.master.Protos;
import dev.berth.protocol.v1.scheduler.Protos.Call;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.QueryStringDecoder;

import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/**
 * What requests do, once their headers have passed and their body is whole.
 *
 * <p>Thread: entered on the connection's loop; the core is met on the conductor's.
 */
final class Calls {
    private static final String STREAM_ID = "Mesos-Stream-Id";
    private static final String JSON = Encoding.JSON.mediaType();

    private final MasterGate gate;
    private final Limits limits;
    private final String version;
    private final Executor encoder;
    private final Reads reads;

    /**
     * What requests do with the core behind a gate.
     *
     * @param encoder writes what is large, beside the loops, which have others to serve meanwhile
     * @param reads of all that the cluster has
     */
    Calls(MasterGate gate, Limits limits, String version, Executor encoder, Reads reads) {
        this.gate = gate;
        this.limits = limits;
        this.version = version;
        this.encoder = encoder;
        this.reads = reads;
    }

    void handle(HttpExchange exchange, byte[] body) {
        switch (exchange.endpoint().kind()) {
            case SCHEDULER -> scheduler(exchange, body);
            case OPERATOR -> operator(exchange, body);
            case PAGE -> page(exchange, exchange.endpoint().page().orElseThrow());
            case PROMETHEUS -> prometheus(exchange);
            case HEALTH -> exchange.answer(Reply.empty(200));
            case VERSION -> exchange.answer(json("{\"version\":\"" + version + "\"}"));
            case REDIRECT -> redirect(exchange);
            case LINK -> throw new IllegalStateException("links have no whole body");
        }
    }

    /** Begins an agent's link. */
    BodyReader link(HttpExchange exchange) {
        ChannelHandlerContext channel = exchange.channel();
        EventQueue queue = new EventQueue(channel, Encoding.PROTOBUF, limits, encoder);
        String peer =
                channel.channel().remoteAddress() instanceof InetSocketAddress address
                        ? address.getAddress().getHostAddress()
                        : "";
        LinkReader reader = new LinkReader(gate, channel, new Streams.Agent(peer, queue), limits);
        exchange.connection().stream(Encoding.PROTOBUF, Map.of(), queue, reader::left);
        return reader;
    }

    private static Reply json(String text) {
        return Reply.of(200, JSON, text.getBytes(StandardCharsets.UTF_8));
    }

    private void redirect(HttpExchange exchange) {
        exchange.answer(
                switch (gate.standing()) {
                    case MasterGate.Standing.Leading(var self) -> Leadership.redirect(self, "");
                    case MasterGate.Standing.Recovering(var self) -> Leadership.redirect(self, "");
                    case MasterGate.Standing.Following(var leader) ->
                            leader.map(address -> Leadership.redirect(address, ""))
                                    .orElseGet(() -> Reply.text(503, "No leader elected"));
                });
    }

    private interface CoreStep {
        void run(MasterCore core, long nowNs);
    }

    /** On the conductor thread; a master that has stopped leading meanwhile says so, and a bug of ours costs one answer only. */
    private void withCore(HttpExchange exchange, CoreStep step) {
        gate.submit((core, now) -> {
            if (core.isEmpty()) {
                exchange.answer(
                        Leadership.notLeading(gate.standing(), exchange.uri())
                                .orElseGet(() -> Reply.text(503, "No leader elected")));
                return;
            }
            try {
                step.run(core.get(), now);
            } catch (RuntimeException e) {
                exchange.answer(Reply.text(500, "The master failed on this: " + e));
                throw e;
            }
        });
    }

    private void page(HttpExchange exchange, Page page) {
        if (page == Page.METRICS_SNAPSHOT
                && !(gate.standing() instanceof MasterGate.Standing.Leading)) {
            exchange.answer(json("{\"master/elected\":0.0}"));
            return;
        }
        PageQuery query;
        try {
            query =
                    PageQuery.of(
                            new QueryStringDecoder(exchange.uri(), StandardCharsets.UTF_8)
                                    .parameters());
        } catch (IllegalArgumentException _) {
            exchange.answer(Reply.text(400, "Malformed query"));
            return;
        }
        read(exchange, new Question.OfPage(page, query));
    }

    /** Answers a question: a small one at once, a large one together with others. */
    private void read(HttpExchange exchange, Question question) {
        if (question.size() != Readings.Size.SMALL) {
            reads.ask(question, new Reader(exchange));
            return;
        }
        withCore(
                exchange,
                (core, now) -> {
                    Readings readings = new Readings(core.moment(false, now));
                    later(
                            exchange,
                            () -> Reply.of(200, question.mediaType(), question.write(readings)));
                });
    }

    /** A request for everything there is. */
    private final class Reader implements Reads.Asker {
        private final HttpExchange exchange;

        Reader(HttpExchange exchange) {
            this.exchange = exchange;
        }

        @Override
        public boolean isThere() {
            return exchange.channel().channel().isActive();
        }

        @Override
        public boolean takesGzip() {
            return Preference.takesCoding(exchange.acceptEncoding(), "gzip");
        }

        @Override
        public void answer(Reply reply, Runnable taken) {
            exchange.answer(reply, limits.reads().takenWithinSeconds(), taken);
        }
    }

    private void prometheus(HttpExchange exchange) {
        if (!(gate.standing() instanceof MasterGate.Standing.Leading)) {
            exchange.answer(
                    Reply.of(
                            200,
                            Question.OfPrometheus.TEXT,
                            "# TYPE berth_master_elected gauge\nberth_master_elected 0\n"
                                    .getBytes(StandardCharsets.UTF_8)));
            return;
        }
        read(exchange, new Question.OfPrometheus());
    }

    private <T extends Message> Optional<T> parse(HttpExchange exchange, byte[] body, T prototype) {
        try {
            return Optional.of(exchange.encoding().read(body, prototype));
        } catch (ProtocolException e) {
            exchange.answer(Reply.text(400, e.getMessage() == null ? "malformed" : e.getMessage()));
            return Optional.empty();
        }
    }

    private static Optional<Encoding> accepted(HttpExchange exchange) {
        // A list may stand on several lines.
        return Encoding.accepted(
                String.join(",", exchange.headers().getAll(HttpHeaderNames.ACCEPT)));
    }

    private static void notAcceptable(HttpExchange exchange) {
        exchange.answer(
                Reply.text(
                        406,
                        "Expecting 'Accept' to allow application/json or application/x-protobuf"));
    }

    private void scheduler(HttpExchange exchange, byte[] body) {
        Optional<Call> parsed = parse(exchange, body, Call.getDefaultInstance());
        if (parsed.isEmpty()) {
            return;
        }
        Call call = parsed.get();
        Optional<Encoding> accepted = accepted(exchange);
        Optional<String> streamId = Optional.ofNullable(exchange.header(STREAM_ID));
        if (call.getType() == Call.Type.SUBSCRIBE) {
            subscribe(exchange, call, accepted, streamId);
            return;
        }
        // Malformed comes before not acceptable.
        boolean answers = call.getType() == Call.Type.RECONCILE_OPERATIONS;
        if (answers && accepted.isEmpty() && SchedulerCalls.malformed(call).isEmpty()) {
            notAcceptable(exchange);
            return;
        }
        withCore(
                exchange,
                (core, now) ->
                        answer(
                                exchange,
                                core.call(call, streamId, exchange.principal(), now),
                                accepted.orElse(Encoding.JSON)));
    }

    private void subscribe(
            HttpExchange exchange, Call call, Optional<Encoding> accepted, Optional<String> id) {
        Optional<String> malformed = Subscriptions.malformed(call, exchange.principal());
        if (malformed.isPresent()) {
            exchange.answer(Reply.text(400, malformed.get()));
            return;
        }
        if (accepted.isEmpty()) {
            notAcceptable(exchange);
            return;
        }
        if (id.isPresent()) {
            exchange.answer(
                    Reply.text(
                            400,
                            "Subscribe calls should not include the 'Mesos-Stream-Id' header"));
            return;
        }
        Encoding encoding = accepted.get();
        EventQueue queue = new EventQueue(exchange.channel(), encoding, limits, encoder);
        Streams.Scheduler stream = Streams.Scheduler.over(queue);
        withCore(
                exchange,
                (core, now) -> {
                    Answer answer = core.subscribe(call, exchange.principal(), stream, now);
                    if (answer.status() != 200) {
                        answer(exchange, answer, encoding);
                        return;
                    }
                    Runnable gone =
                            () ->
                                    gate.submit((c, later) ->
                                            c.ifPresent(k -> k.streamClosed(stream, later)));
                    exchange.stream(connection ->
                            connection.stream(
                                    encoding, Map.of(STREAM_ID, stream.id()), queue, gone));
                });
    }

    private void operator(HttpExchange exchange, byte[] body) {
        Optional<Protos.Call> parsed = parse(exchange, body, Protos.Call.getDefaultInstance());
        if (parsed.isEmpty()) {
            return;
        }
        Protos.Call call = parsed.get();
        Optional<Encoding> accepted = accepted(exchange);
        Optional<String> malformed = OperatorCalls.malformed(call);
        if (malformed.isPresent()) {
            exchange.answer(Reply.text(400, malformed.get()));
            return;
        }
        if (accepted.isEmpty()) {
            notAcceptable(exchange);
            return;
        }
        Encoding encoding = accepted.get();
        if (call.getType() == Protos.Call.Type.SUBSCRIBE) {
            reads.ask(new Question.OfStream(encoding), new Follower(exchange, encoding));
        } else if (Readings.answers(call.getType())) {
            read(exchange, new Question.OfCall(call.getType(), encoding));
        } else {
            withCore(
                    exchange,
                    (core, now) ->
                            core.operator(call, answer -> answer(exchange, answer, encoding), now));
        }
    }

    /** An operator that wants everything there is, and what happens from then on. */
    private final class Follower implements Reads.Asker {
        private final HttpExchange exchange;
        private final Encoding encoding;
        private final EventQueue queue;
        private volatile boolean begun;

        Follower(HttpExchange exchange, Encoding encoding) {
            this.exchange = exchange;
            this.encoding = encoding;
            queue =
                    new EventQueue(exchange.channel(), encoding, limits, reads.worker())
                            .startingWithFirst();
        }

        @Override
        public boolean isThere() {
            return exchange.channel().channel().isActive();
        }

        @Override
        public boolean takesGzip() {
            return false;
        }

        @Override
        public void begins(MasterCore core, long nowNs) {
            Streams.Operator stream = new Streams.Operator(queue);
            core.subscribeOperator(stream, nowNs);
            Runnable gone = () -> gate.submit((c, _) -> c.ifPresent(k -> k.operatorClosed(stream)));
            exchange.stream(connection -> connection.stream(encoding, Map.of(), queue, gone));
            begun = true;
        }

        @Override
        public void answer(Reply reply, Runnable taken) {
            if (!begun) {
                exchange.answer(reply, limits.reads().takenWithinSeconds(), taken);
            } else if (reply.status() == 200) {
                queue.first(reply.body(), taken);
            } else {
                queue.fail();
                taken.run();
            }
        }
    }

    /** The body is encoded beside conductor and loop: both have better things to do. */
    private void answer(HttpExchange exchange, Answer answer, Encoding encoding) {
        if (answer.body().isPresent()) {
            later(
                    exchange,
                    () ->
                            Reply.of(
                                    answer.status(),
                                    encoding.mediaType(),
                                    encoding.write(answer.body().get())));
        } else if (answer.text().isPresent()) {
            exchange.answer(Reply.text(answer.status(), answer.text().get()));
        } else {
            exchange.answer(Reply.empty(answer.status()));
        }
    }

    private void later(HttpExchange exchange, Supplier<Reply> make) {
        encoder.execute(() -> {
            Reply reply;
            try {
                reply = make.get().packed(exchange.acceptEncoding());
            } catch (RuntimeException e) {
                reply = Reply.text(500, "The master cannot write the answer: " + e);
            }
            exchange.answer(reply);
        });
    }
}
