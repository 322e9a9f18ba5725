package dev.berth.master.transport;

import dev.berth.http.Encoding;
import dev.berth.http.HttpConnection;
import dev.berth.http.Wire;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import io.netty.channel.Channel;

import java.net.InetSocketAddress;

/** A stream of the server under test, whose queue the test fills itself. */
record CapturedStream(EventQueue queue) {
    /** Begins one on a connection that has been opened and said nothing yet. */
    static CapturedStream over(TestMaster master, Wire wire) throws Exception {
        Channel channel = find(master, wire.socket.getLocalPort());
        HttpConnection<?> connection = channel.pipeline().get(HttpConnection.class);
        EventQueue queue =
                new EventQueue(
                        connection.channel(),
                        Encoding.PROTOBUF,
                        new Limits(1 << 20, 1 << 20, 50, 1 << 20, 4),
                        channel.eventLoop());
        channel.eventLoop()
                .submit(() ->
                        connection.stream(Encoding.PROTOBUF, java.util.Map.of(), queue, () -> {}))
                .sync();
        return new CapturedStream(queue);
    }

    private static Channel find(TestMaster master, int port) {
        long end = System.nanoTime() + 20_000_000_000L;
        while (System.nanoTime() < end) {
            for (Channel channel : master.server.channels()) {
                if (channel.remoteAddress() instanceof InetSocketAddress from
                        && from.getPort() == port
                        && channel.pipeline().get(HttpConnection.class) != null) {
                    return channel;
                }
            }
            Thread.onSpinWait();
        }
        throw new AssertionError("no connection from port " + port);
    }

    boolean send(Event event) {
        return queue.send(event);
    }
}
