package dev.berth.agent.cli.http;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A server on a UNIX socket that answers by a function; it keeps what it was asked. */
public final class FakeAgent implements AutoCloseable {
    private final ServerSocketChannel server;
    private final Path socket;
    private final Handler handler;
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private final List<SocketChannel> open = new CopyOnWriteArrayList<>();

    /** Answers one request by writing to the connection. */
    public interface Handler {
        /** @return whether the connection stays open */
        boolean answer(Exchange exchange) throws IOException;
    }

    /** One request and the way to answer it. */
    public record Exchange(
            String method, String target, String body, InputStream in, OutputStream out) {
        /** An answer with a length. */
        public boolean reply(int status, String json) throws IOException {
            byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
            raw(
                    "HTTP/1.1 "
                            + status
                            + " X\r\nServer: Berth/test\r\nContent-Type: application/json\r\nContent-Length: "
                            + bytes.length
                            + "\r\n\r\n");
            out.write(bytes);
            return true;
        }

        public void raw(String text) throws IOException {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        }
    }

    public FakeAgent(Path directory, Handler handler) throws IOException {
        this.handler = handler;
        socket = directory.resolve("agent.sock");
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        Thread.ofVirtual().start(this::accept);
    }

    public Path socket() {
        return socket;
    }

    /** {@code METHOD TARGET} of all requests so far. */
    public List<String> requests() {
        return requests;
    }

    /** How many connections were made. */
    public int connections() {
        return open.size();
    }

    private void accept() {
        try {
            while (true) {
                SocketChannel channel = server.accept();
                open.add(channel);
                Thread.ofVirtual().start(() -> serve(channel));
            }
        } catch (IOException e) {
            // Closed.
        }
    }

    private void serve(SocketChannel channel) {
        try (channel) {
            InputStream in = Channels.newInputStream(channel);
            OutputStream out =
                    new OutputStream() {
                        @Override
                        public void write(int b) throws IOException {
                            write(new byte[] {(byte) b}, 0, 1);
                        }

                        @Override
                        public void write(byte[] bytes, int offset, int length) throws IOException {
                            ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, length);
                            while (buffer.hasRemaining()) {
                                channel.write(buffer);
                            }
                        }
                    };
            boolean more = true;
            while (more) {
                String first = line(in);
                if (first.isEmpty()) {
                    return;
                }
                int length = 0;
                boolean chunked = false;
                for (String header = line(in); !header.isEmpty(); header = line(in)) {
                    if (header.startsWith("Content-Length: ")) {
                        length = Integer.parseInt(header.substring(16));
                    }
                    chunked |= header.equals("Transfer-Encoding: chunked");
                }
                String body =
                        chunked
                                ? chunks(in)
                                : new String(in.readNBytes(length), StandardCharsets.UTF_8);
                String[] words = first.split(" ");
                requests.add(words[0] + " " + words[1]);
                more = handler.answer(new Exchange(words[0], words[1], body, in, out));
            }
        } catch (IOException e) {
            // The client has gone.
        }
    }

    private static String chunks(InputStream in) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        while (true) {
            int size = Integer.parseInt(line(in), 16);
            all.write(in.readNBytes(size));
            line(in);
            if (size == 0) {
                return all.toString(StandardCharsets.UTF_8);
            }
        }
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (SocketChannel channel : open) {
            channel.close();
        }
        Files.deleteIfExists(socket);
    }
}
