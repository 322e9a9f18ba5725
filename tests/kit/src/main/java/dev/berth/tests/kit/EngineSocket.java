package dev.berth.tests.kit;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;

/** One keep-alive HTTP/1.1 connection to an Engine API socket, as thin as it gets: what is measured is the agent. One request at a time; one thread. */
public final class EngineSocket implements AutoCloseable {
    private final SocketChannel channel;
    private final ByteBuffer in = ByteBuffer.allocate(1 << 16).limit(0);

    public EngineSocket(Path socket) throws IOException {
        channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket));
    }

    /** Sends JSON text without waiting for the answer. */
    public void send(String method, String path, String body) throws IOException {
        send(method, path, "application/json", body.getBytes(StandardCharsets.UTF_8));
    }

    /** Sends without waiting for the answer. */
    public void send(String method, String path, String type, byte[] body) throws IOException {
        String head =
                method
                        + " "
                        + path
                        + " HTTP/1.1\r\nHost: berth\r\nContent-Type: "
                        + type
                        + "\r\nContent-Length: "
                        + body.length
                        + "\r\n\r\n";
        ByteBuffer out = ByteBuffer.allocate(head.length() + body.length);
        out.put(head.getBytes(StandardCharsets.US_ASCII)).put(body).flip();
        while (out.hasRemaining()) {
            channel.write(out);
        }
    }

    /** Reads one answer whole; a status of 400 and above is a failure. */
    public String receive() throws IOException {
        return new String(receiveBytes(), StandardCharsets.UTF_8);
    }

    /** As {@link #receive}, for bodies that are no text. */
    public byte[] receiveBytes() throws IOException {
        String status = line();
        int length = 0;
        boolean chunked = false;
        for (String header = line(); !header.isEmpty(); header = line()) {
            String lower = header.toLowerCase(Locale.ROOT);
            if (lower.startsWith("content-length:")) {
                length = Integer.parseInt(header.substring(15).strip());
            } else if (lower.startsWith("transfer-encoding:") && lower.contains("chunked")) {
                chunked = true;
            }
        }
        byte[] body = chunked ? chunks() : bytes(length);
        if (Integer.parseInt(status.split(" ")[1]) >= 400) {
            throw new EngineFailure(
                    Integer.parseInt(status.split(" ")[1]),
                    new String(body, StandardCharsets.UTF_8));
        }
        return body;
    }

    /** Reads an answer that ends with the connection, as raw streams do; a status of 400 and above is a failure. */
    public byte[] receiveToEnd() throws IOException {
        String status = line();
        for (String header = line(); !header.isEmpty(); header = line()) {
            // none of them matters here
        }
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        try {
            while (true) {
                body.write(next());
            }
        } catch (EOFException _) {
            // The end that was waited for.
        }
        if (Integer.parseInt(status.split(" ")[1]) >= 400) {
            throw new EngineFailure(
                    Integer.parseInt(status.split(" ")[1]), body.toString(StandardCharsets.UTF_8));
        }
        return body.toByteArray();
    }

    /** Some bytes of whatever comes, head included, and throws them away: how many, −1 at the end. For streams. */
    public int receiveSome() throws IOException {
        in.clear();
        int read = channel.read(in);
        in.limit(0);
        return read;
    }

    public String call(String method, String path, String body) throws IOException {
        send(method, path, body);
        return receive();
    }

    private byte[] chunks() throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        while (true) {
            int length = Integer.parseInt(line().strip(), 16);
            body.write(bytes(length));
            line();
            if (length == 0) {
                return body.toByteArray();
            }
        }
    }

    private byte[] bytes(int length) throws IOException {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = next();
        }
        return bytes;
    }

    private String line() throws IOException {
        StringBuilder line = new StringBuilder();
        for (byte b = next(); b != '\n'; b = next()) {
            if (b != '\r') {
                line.append((char) b);
            }
        }
        return line.toString();
    }

    private byte next() throws IOException {
        if (!in.hasRemaining()) {
            in.clear();
            int read = channel.read(in);
            in.flip();
            if (read < 0) {
                throw new EOFException("the agent closed the connection");
            }
        }
        return in.get();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
