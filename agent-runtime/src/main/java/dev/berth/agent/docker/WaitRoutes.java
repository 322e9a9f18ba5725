package dev.berth.agent.docker;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.conductor.ConductorProxy;
import dev.berth.agent.conductor.ContainerView;
import dev.berth.agent.conductor.ContainerWatcher;
import dev.berth.agent.config.AgentException;

import io.netty.buffer.Unpooled;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;

/** {@code POST /containers/ID/wait}: the headers leave as soon as nothing can be missed any more, since the docker CLI waits before it starts. */
final class WaitRoutes {
    private WaitRoutes() {}

    static void add(Route.Table table) {
        table.add("POST", "/containers/*/wait", WaitRoutes::wait);
    }

    private static void wait(Exchange exchange) throws AgentException {
        String condition = exchange.text("condition");
        switch (condition) {
            case "", "not-running", "next-exit", "removed" -> {}
            default -> throw AgentException.invalid("invalid condition: \"" + condition + "\"");
        }
        Session session = new Session(exchange, condition);
        exchange.onGone(session::leave);
        session.watch =
                exchange.context().conductor().watch(exchange.star(0), session, exchange::fail);
    }

    private static final class Session implements ContainerWatcher {
        private final Exchange exchange;
        private final String condition;
        private ConductorProxy.Watch watch = () -> {};
        private @Nullable ByteSink answer;
        private boolean over;

        private Session(Exchange exchange, String condition) {
            this.exchange = exchange;
            this.condition = condition;
        }

        @Override
        public void onWatching(ContainerView now) {
            if (over) {
                return;
            }
            ByteSink stream = exchange.stream(200, "application/json");
            answer = stream;
            stream.onChange(() -> {}, this::leave);
            boolean running =
                    switch (now.status()) {
                        case RUNNING, PAUSED, STARTING, RESTARTING -> true;
                        case CREATED, EXITED, REMOVING, DEAD -> false;
                    };
            if ((condition.isEmpty() || condition.equals("not-running")) && !running) {
                finish(now);
            }
        }

        @Override
        public void onEnded(ContainerView now) {
            if (!condition.equals("removed")) {
                finish(now);
            }
        }

        @Override
        public void onRemoved(ContainerView last) {
            finish(last);
        }

        private void finish(ContainerView view) {
            ByteSink stream = answer;
            if (over || stream == null) {
                return;
            }
            leave();
            ObjectNode node = JsonNodeFactory.instance.objectNode();
            node.put("StatusCode", view.exitCode());
            stream.write(Unpooled.wrappedBuffer((node + "\n").getBytes(StandardCharsets.UTF_8)));
            stream.end();
        }

        private void leave() {
            over = true;
            watch.end();
        }
    }
}
