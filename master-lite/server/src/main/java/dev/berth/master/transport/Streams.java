package dev.berth.master.transport;

import dev.berth.master.cluster.AgentLink;
import dev.berth.master.cluster.FrameworkStream;
import dev.berth.master.cluster.OperatorStream;
import dev.berth.protocol.link.Link.FromMaster;

import java.util.UUID;
import java.util.function.Supplier;

/** The outward ends that the core is given: thin names for an {@link EventQueue}. */
final class Streams {
    private Streams() {}

    record Scheduler(String id, EventQueue queue) implements FrameworkStream {
        static Scheduler over(EventQueue queue) {
            return new Scheduler(UUID.randomUUID().toString(), queue);
        }

        @Override
        public boolean send(dev.berth.protocol.v1.scheduler.Protos.Event event) {
            return queue.send(event);
        }

        @Override
        public void close() {
            queue.end();
        }
    }

    record Operator(EventQueue queue) implements OperatorStream {
        @Override
        public boolean send(dev.berth.protocol.v1.master.Protos.Event event) {
            return queue.send(event);
        }

        @Override
        public boolean sendLater(Supplier<dev.berth.protocol.v1.master.Protos.Event> make) {
            return queue.sendLater(make);
        }

        @Override
        public void close() {
            queue.end();
        }
    }

    record Agent(String peerAddress, EventQueue queue) implements AgentLink {
        @Override
        public boolean send(FromMaster message) {
            return queue.send(message);
        }

        @Override
        public void close() {
            queue.end();
        }
    }
}
