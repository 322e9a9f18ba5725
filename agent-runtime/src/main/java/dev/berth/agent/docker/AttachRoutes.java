package dev.berth.agent.docker;

import dev.berth.agent.conductor.ConductorProxy;
import dev.berth.agent.conductor.ContainerView;
import dev.berth.agent.conductor.ContainerWatcher;
import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.containerizer.log.ContainerLog;
import dev.berth.containerizer.log.LogPosition;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.Optional;

/** {@code POST /containers/ID/attach}: output from the log, from the position that was captured before the client could start the container; input into the pipe or terminal. */
final class AttachRoutes {
    static final String RAW = "application/vnd.docker.raw-stream";
    static final String MULTIPLEXED = "application/vnd.docker.multiplexed-stream";

    private AttachRoutes() {}

    static void add(Route.Table table) {
        table.add("POST", "/containers/*/attach", AttachRoutes::attach);
    }

    /** Docker sends the type of a stream since 1.42; before that everything was called raw. */
    static String contentType(Exchange exchange, boolean tty) {
        return tty || exchange.minor() < 42 ? RAW : MULTIPLEXED;
    }

    private static void attach(Exchange exchange) throws AgentException {
        ContainerView view = exchange.context().containers().resolve(exchange.star(0));
        DetachKeys keys = DetachKeys.parse(exchange.text("detachKeys"));
        if (!exchange.flag("stream") && !exchange.flag("logs")) {
            throw AgentException.invalid(
                    "attach needs at least one of the parameters stream and logs");
        }
        exchange.connection().holdInput();
        Session session = new Session(exchange, keys);
        session.watch =
                exchange.context().conductor().watch(view.id().value(), session, exchange::fail);
        exchange.onGone(session::leave);
    }

    private static final class Session implements ContainerWatcher {
        private final Exchange exchange;
        private final ApiContext context;
        private final DetachKeys keys;
        private final boolean stream;
        private final boolean wantsInput;
        private final boolean wantsOutput;
        private ConductorProxy.Watch watch = () -> {};
        private String id = "";
        private @Nullable HijackedStream client;
        private @Nullable LogFollower follower;
        private @Nullable InputPump input;
        private boolean inputAsked;
        private boolean over;

        private Session(Exchange exchange, DetachKeys keys) {
            this.exchange = exchange;
            this.context = exchange.context();
            this.keys = keys;
            stream = exchange.flag("stream");
            wantsInput = exchange.flag("stdin") && stream;
            wantsOutput = exchange.flag("stdout") || exchange.flag("stderr");
        }

        @Override
        public void onWatching(ContainerView now) {
            if (over) {
                return;
            }
            id = now.id().value();
            boolean tty = now.spec().tty();
            ContainerLog log = ContainerLog.open(context.logDirectory().apply(now.id()));
            LogPosition from;
            try {
                from = exchange.flag("logs") ? log.start() : log.end();
            } catch (IOException e) {
                exchange.fail(AgentException.failed("read log of " + now.name(), e));
                leave();
                return;
            }
            HijackedStream hijacked;
            try {
                hijacked = exchange.hijack(contentType(exchange, tty));
            } catch (AgentException e) {
                exchange.fail(e);
                leave();
                return;
            }
            client = hijacked;
            hijacked.onChange(() -> {}, this::leave);
            boolean stdin = wantsInput && now.spec().openStdin();
            if (wantsOutput) {
                followOutput(hijacked, log, from, tty);
            }
            if (stdin) {
                input =
                        new InputPump(
                                context, hijacked, tty ? keys : null, () -> inputFinished(now));
                if (now.status().isAlive()) {
                    askInput();
                }
            } else {
                hijacked.onInput(new DroppedInput());
            }
        }

        private void followOutput(
                HijackedStream hijacked, ContainerLog log, LogPosition from, boolean tty) {
            LogFollower.Streams streams =
                    new LogFollower.Streams(exchange.flag("stdout"), exchange.flag("stderr"), !tty);
            LogFollower made = new LogFollower(context, hijacked, log, from, streams);
            follower = made;
            try {
                made.begin();
            } catch (AgentException e) {
                AgentLog.error("attach", e);
                leave();
                hijacked.end();
                return;
            }
            // The follower has taken the sink's changes over: leaving goes through it.
            hijacked.onChange(made::resume, this::leave);
            if (!stream) {
                made.endNow();
            }
        }

        private void inputFinished(ContainerView container) {
            if (container.spec().stdinOnce() && !container.spec().tty()) {
                context.conductor().closeStdin(id);
            }
        }

        private void askInput() {
            InputPump pump = input;
            if (pump == null || inputAsked) {
                return;
            }
            inputAsked = true;
            context.conductor()
                    .input(
                            id,
                            exchange.then((Optional<dev.berth.linux.OwnedFd> fd) ->
                                    fd.ifPresent(pump::open)));
        }

        @Override
        public void onStarted(ContainerView now) {
            askInput();
        }

        @Override
        public void onEnded(ContainerView now) {
            end();
        }

        @Override
        public void onRemoved(ContainerView last) {
            end();
        }

        private void end() {
            watch.end();
            closeInput();
            LogFollower following = follower;
            HijackedStream hijacked = client;
            if (following != null) {
                following.end();
            } else if (hijacked != null) {
                hijacked.end();
            }
        }

        private void closeInput() {
            InputPump pump = input;
            if (pump != null) {
                pump.close();
            }
        }

        private void leave() {
            if (!over) {
                over = true;
                watch.end();
                closeInput();
                LogFollower following = follower;
                if (following != null) {
                    following.stop();
                }
            }
        }
    }

    /** A client without standard input may still send: nobody wants it. */
    static final class DroppedInput implements HijackedStream.InputHandler {
        @Override
        public void onBytes(io.netty.buffer.ByteBuf bytes) {
            bytes.release();
        }

        @Override
        public void onEnd() {}
    }
}
