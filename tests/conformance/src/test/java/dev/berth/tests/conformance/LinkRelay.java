package dev.berth.tests.conformance;

import dev.berth.protocol.ProtocolException;
import dev.berth.protocol.RecordIo;
import dev.berth.protocol.link.Link;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;

/**
 * Stands between an agent and its master. It reads what the master says and may lose a message, with the connection: as a network does that fails while the message is on its way.
 *
 * <p>Thread: two of its own for each connection.
 */
final class LinkRelay implements AutoCloseable {
    private static final int LONGEST_RECORD = 64 << 20;

    private final ServerSocket server;
    private final int master;
    private final Predicate<Link.FromMaster> passes;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();

    /**
     * @param host where it listens
     * @param master the master's port on 127.0.0.1
     * @param passes false for a message that is lost; called from any of its threads
     */
    LinkRelay(String host, int master, Predicate<Link.FromMaster> passes) throws IOException {
        this.master = master;
        this.passes = passes;
        server = new ServerSocket();
        server.bind(new InetSocketAddress(host, 0));
        Thread.ofPlatform().daemon().name("relay").start(this::accept);
    }

    /** {@code http://HOST:PORT}. */
    String url() {
        return "http://" + server.getInetAddress().getHostAddress() + ":" + server.getLocalPort();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket agent = server.accept();
                Socket up = new Socket(InetAddress.getLoopbackAddress(), master);
                for (Socket socket : List.of(agent, up)) {
                    socket.setTcpNoDelay(true);
                    sockets.add(socket);
                }
                Thread.ofPlatform().daemon().start(() -> run(agent, up, () -> copy(agent, up)));
                Thread.ofPlatform().daemon().start(() -> run(agent, up, () -> read(up, agent)));
            } catch (IOException _) {
                // No master there: the agent comes again.
            }
        }
    }

    private interface Pump {
        void run() throws IOException, ProtocolException;
    }

    private void run(Socket agent, Socket up, Pump pump) {
        try (agent;
                up) {
            pump.run();
        } catch (IOException | ProtocolException _) {
            // One of them hung up, or a message was lost: both are closed.
        }
        sockets.remove(agent);
        sockets.remove(up);
    }

    private static void copy(Socket from, Socket to) throws IOException {
        from.getInputStream().transferTo(to.getOutputStream());
    }

    private void read(Socket from, Socket to) throws IOException, ProtocolException {
        InputStream in = new BufferedInputStream(from.getInputStream());
        OutputStream out = to.getOutputStream();
        boolean stream = false;
        for (String line = line(in); ; line = line(in)) {
            stream |= line.equalsIgnoreCase("transfer-encoding: chunked");
            out.write((line + "\r\n").getBytes(StandardCharsets.US_ASCII));
            if (line.isEmpty()) {
                break;
            }
        }
        if (!stream) {
            in.transferTo(out);
            return;
        }
        RecordIo records = new RecordIo(LONGEST_RECORD);
        for (int length = length(in); length > 0; length = length(in)) {
            List<byte[]> whole = new ArrayList<>();
            records.read(ByteBuffer.wrap(in.readNBytes(length)), whole::add);
            line(in);
            for (byte[] record : whole) {
                if (!passes.test(Link.FromMaster.parseFrom(record))) {
                    return;
                }
                byte[] framed = RecordIo.frame(record);
                ByteArrayOutputStream chunk = new ByteArrayOutputStream();
                chunk.writeBytes(
                        (Integer.toHexString(framed.length) + "\r\n")
                                .getBytes(StandardCharsets.US_ASCII));
                chunk.writeBytes(framed);
                chunk.writeBytes("\r\n".getBytes(StandardCharsets.US_ASCII));
                chunk.writeTo(out);
            }
        }
    }

    private static int length(InputStream in) throws IOException {
        return Integer.parseInt(line(in), 16);
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                throw new EOFException("hung up");
            }
            if (b != '\r') {
                line.append((char) b);
            }
        }
        return line.toString();
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}
