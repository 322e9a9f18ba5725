package dev.berth.tests.bench;

import dev.berth.protocol.ProtocolException;
import dev.berth.protocol.RecordIo;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.scheduler.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Locale;

/**
 * A v1 scheduler in protobuf, as thin as it gets: what is measured is the master. Two blocking connections, one for events and one for calls. One thread.
 */
final class SchedulerSocket implements AutoCloseable {
    private static final int LONGEST_EVENT = 64 << 20;

    private final InetSocketAddress master;
    private final String token;
    private final Wire events;
    private final Wire calls;
    private final RecordIo records = new RecordIo(LONGEST_EVENT);
    private final ArrayDeque<Event> come = new ArrayDeque<>();

    /** Resources are offered again when the agent says that a task has ended, which may be before the framework hears so: its updates come one by one. */
    private final ArrayDeque<Event> offers = new ArrayDeque<>();

    private String streamId = "";
    private FrameworkID id = FrameworkID.getDefaultInstance();

    SchedulerSocket(InetSocketAddress master, String token) throws IOException {
        this.master = master;
        this.token = token;
        events = new Wire(master);
        calls = new Wire(master);
    }

    /** Returns when the master has said SUBSCRIBED. */
    void subscribe(FrameworkInfo framework) throws IOException {
        Call.Builder call = Call.newBuilder().setType(Call.Type.SUBSCRIBE);
        call.getSubscribeBuilder().setFrameworkInfo(framework);
        send(events, call.build());
        String status = events.line();
        for (String header = events.line(); !header.isEmpty(); header = events.line()) {
            if (header.toLowerCase(Locale.ROOT).startsWith("mesos-stream-id:")) {
                streamId = header.substring(header.indexOf(':') + 1).strip();
            }
        }
        if (!status.contains(" 200 ")) {
            throw new IOException("subscribe: " + status);
        }
        id = next(Event.Type.SUBSCRIBED).getSubscribed().getFrameworkId();
    }

    /** Makes a call and reads its answer. */
    void call(Call.Builder call) throws IOException {
        send(calls, call.setFrameworkId(id).build());
        String status = calls.line();
        int length = 0;
        for (String header = calls.line(); !header.isEmpty(); header = calls.line()) {
            if (header.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
                length = Integer.parseInt(header.substring(15).strip());
            }
        }
        String body = new String(calls.bytes(length), StandardCharsets.UTF_8);
        if (!status.contains(" 202 ")) {
            throw new IOException(call.getType() + ": " + status + " " + body);
        }
    }

    /** The next event of a type; those of other types before it are passed over, but offers are kept and a failure is one. */
    Event next(Event.Type wanted) throws IOException {
        if (wanted == Event.Type.OFFERS && !offers.isEmpty()) {
            return offers.remove();
        }
        while (true) {
            Event event = come.poll();
            if (event == null) {
                chunk();
            } else if (event.getType() == wanted) {
                return event;
            } else if (event.getType() == Event.Type.OFFERS) {
                offers.add(event);
            } else if (event.getType() == Event.Type.ERROR) {
                throw new IOException("the master: " + event.getError().getMessage());
            }
        }
    }

    private void chunk() throws IOException {
        int length = Integer.parseInt(events.line(), 16);
        if (length == 0) {
            throw new EOFException("the master ended the stream");
        }
        ByteBuffer bytes = ByteBuffer.wrap(events.bytes(length));
        events.line();
        try {
            var failure = new IOException[1];
            records.read(
                    bytes,
                    record -> {
                        try {
                            come.add(Event.parseFrom(record));
                        } catch (IOException e) {
                            failure[0] = e;
                        }
                    });
            if (failure[0] != null) {
                throw failure[0];
            }
        } catch (ProtocolException e) {
            throw new IOException(e);
        }
    }

    private void send(Wire wire, Call call) throws IOException {
        byte[] body = call.toByteArray();
        String head =
                "POST /api/v1/scheduler HTTP/1.1\r\nHost: "
                        + master.getHostString()
                        + "\r\nAuthorization: Bearer "
                        + token
                        + "\r\nContent-Type: application/x-protobuf\r\nAccept: application/x-protobuf"
                        + (streamId.isEmpty() ? "" : "\r\nMesos-Stream-Id: " + streamId)
                        + "\r\nContent-Length: "
                        + body.length
                        + "\r\n\r\n";
        wire.write(head.getBytes(StandardCharsets.US_ASCII), body);
    }

    @Override
    public void close() throws IOException {
        calls.close();
        events.close();
    }

    /** One connection. */
    private static final class Wire implements AutoCloseable {
        private final SocketChannel channel;
        private final ByteBuffer in = ByteBuffer.allocate(1 << 16).limit(0);

        Wire(InetSocketAddress to) throws IOException {
            channel = SocketChannel.open(to);
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        }

        void write(byte[] head, byte[] body) throws IOException {
            ByteBuffer out = ByteBuffer.allocate(head.length + body.length);
            out.put(head).put(body).flip();
            while (out.hasRemaining()) {
                channel.write(out);
            }
        }

        String line() throws IOException {
            StringBuilder line = new StringBuilder();
            for (byte b = next(); b != '\n'; b = next()) {
                if (b != '\r') {
                    line.append((char) b);
                }
            }
            return line.toString();
        }

        byte[] bytes(int length) throws IOException {
            byte[] bytes = new byte[length];
            int filled = 0;
            while (filled < length) {
                if (!in.hasRemaining()) {
                    fill();
                }
                int part = Math.min(in.remaining(), length - filled);
                in.get(bytes, filled, part);
                filled += part;
            }
            return bytes;
        }

        private byte next() throws IOException {
            if (!in.hasRemaining()) {
                fill();
            }
            return in.get();
        }

        private void fill() throws IOException {
            in.clear();
            int read = channel.read(in);
            in.flip();
            if (read < 0) {
                throw new EOFException("the master closed the connection");
            }
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
