package dev.berth.agent.docker;

import dev.berth.agent.conductor.ConductorProxy;
import dev.berth.agent.conductor.ContainerView;
import dev.berth.agent.conductor.ContainerWatcher;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.containerizer.log.LogLine;
import dev.berth.containerizer.log.LogLines;
import dev.berth.containerizer.log.LogQuery;
import dev.berth.containerizer.log.LogStream;

import io.netty.buffer.ByteBuf;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.OptionalLong;

/** {@code GET /containers/ID/logs}. */
final class LogRoutes {
    private static final int STEP_BYTES = 64 * 1024;
    private static final int STEPS_PER_TURN = 8;

    private LogRoutes() {}

    static void add(Route.Table table) {
        table.add("GET", "/containers/*/logs", LogRoutes::logs);
    }

    private static void logs(Exchange exchange) throws AgentException {
        ApiContext context = exchange.context();
        ContainerView view = context.containers().resolve(exchange.star(0));
        if (!exchange.flag("stdout") && !exchange.flag("stderr")) {
            throw AgentException.invalid("Bad parameters: you must choose at least one stream");
        }
        String tail = exchange.text("tail");
        LogQuery query =
                new LogQuery(
                        exchange.flag("stdout"),
                        exchange.flag("stderr"),
                        Times.parse("since", exchange.text("since")),
                        Times.parse("until", exchange.text("until")),
                        tail.isEmpty() || tail.equals("all")
                                ? OptionalLong.empty()
                                : OptionalLong.of(exchange.number("tail").orElse(0)));
        Path directory = context.logDirectory().apply(view.id());
        // Finding where a tail begins may read much of the log: not on this thread.
        context.lane()
                .run(() -> {
                    try {
                        LogLines lines = LogLines.open(directory, query);
                        exchange.loop(() -> send(exchange, view, lines, directory));
                    } catch (IOException e) {
                        exchange.loop(() ->
                                exchange.fail(
                                        AgentException.failed("read log of " + view.name(), e)));
                    }
                });
    }

    private static void send(
            Exchange exchange, ContainerView view, LogLines lines, Path directory) {
        boolean tty = view.spec().tty();
        ByteSink sink = exchange.stream(200, AttachRoutes.contentType(exchange, tty));
        Session session = new Session(exchange, sink, lines, !tty);
        sink.onChange(session::pump, session::finish);
        boolean follow = exchange.flag("follow");
        if (!follow) {
            session.end();
            return;
        }
        try {
            session.unfollow = exchange.context().waker().follow(directory, session::pump);
        } catch (AgentException e) {
            AgentLog.error("follow", e);
            session.end();
            return;
        }
        session.watch =
                exchange.context()
                        .conductor()
                        .watch(view.id().value(), session, _ -> session.end());
    }

    private static final class Session implements ContainerWatcher {
        private final Exchange exchange;
        private final ByteSink sink;
        private final LogLines lines;
        private final boolean framed;
        private final boolean timestamps;
        private ConductorProxy.@Nullable Watch watch;
        private Runnable unfollow = () -> {};
        private boolean ended;
        private boolean done;

        private Session(Exchange exchange, ByteSink sink, LogLines lines, boolean framed) {
            this.exchange = exchange;
            this.sink = sink;
            this.lines = lines;
            this.framed = framed;
            this.timestamps = exchange.flag("timestamps");
        }

        @Override
        public void onWatching(ContainerView now) {
            switch (now.status()) {
                case RUNNING, PAUSED, STARTING, RESTARTING -> pump();
                case CREATED, EXITED, REMOVING, DEAD -> endOfRun();
            }
        }

        @Override
        public void onEnded(ContainerView now) {
            endOfRun();
        }

        @Override
        public void onRemoved(ContainerView last) {
            endOfRun();
        }

        /** The log is whole; its files may go as soon as this returns. */
        private void endOfRun() {
            if (done) {
                return;
            }
            try {
                lines.hold();
            } catch (IOException e) {
                AgentLog.error("read log", e);
                finish();
                return;
            }
            end();
        }

        private void end() {
            ended = true;
            pump();
        }

        private void pump() {
            if (done) {
                return;
            }
            try {
                for (int step = 0; step < STEPS_PER_TURN && sink.isWritable(); step++) {
                    boolean more = lines.poll(STEP_BYTES, this::send);
                    if (lines.pastUntil() || (!more && ended)) {
                        lines.finish(this::send);
                        sink.flush();
                        finish();
                        return;
                    }
                    if (!more) {
                        sink.flush();
                        return;
                    }
                }
                sink.flush();
            } catch (IOException e) {
                AgentLog.error("read log", e);
                finish();
                return;
            }
            if (sink.isWritable()) {
                exchange.loop(this::pump);
            }
        }

        private void send(LogLine line) {
            byte[] stamp =
                    timestamps
                            ? (Times.rfc3339(line.realtimeNs()) + " ")
                                    .getBytes(StandardCharsets.US_ASCII)
                            : new byte[0];
            int length = stamp.length + line.bytes().length;
            ByteBuf out = sink.allocator().ioBuffer(length + 8);
            if (framed) {
                LogFollower.header(out, line.stream() == LogStream.STDOUT ? 1 : 2, length);
            }
            out.writeBytes(stamp).writeBytes(line.bytes());
            sink.write(out);
        }

        private void finish() {
            if (done) {
                return;
            }
            done = true;
            unfollow.run();
            ConductorProxy.Watch watching = watch;
            if (watching != null) {
                watching.end();
            }
            try {
                lines.close();
            } catch (IOException e) {
                AgentLog.error("close log", e);
            }
            sink.end();
        }
    }
}
