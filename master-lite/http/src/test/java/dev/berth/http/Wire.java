package dev.berth.http;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A client that says exactly what a test wants said, on a plain socket. */
public final class Wire implements AutoCloseable {
    public final Socket socket = new Socket();
    private final InputStream in;

    public Wire(int port) throws IOException {
        socket.connect(new InetSocketAddress("127.0.0.1", port), 10_000);
        socket.setSoTimeout(20_000);
        in = socket.getInputStream();
    }

    public record Response(int status, Map<String, List<String>> headers, byte[] body) {
        public String text() {
            return new String(body, StandardCharsets.UTF_8);
        }

        public String header(String name) {
            List<String> values = headers.get(name.toLowerCase(Locale.ROOT));
            return values == null ? null : values.getFirst();
        }
    }

    public void send(byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
        socket.getOutputStream().flush();
    }

    public void send(String text) throws IOException {
        send(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** A request with a body and its length. */
    public void request(String method, String path, List<String> headers, byte[] body)
            throws IOException {
        StringBuilder head = new StringBuilder(method + " " + path + " HTTP/1.1\r\nHost: m\r\n");
        headers.forEach(h -> head.append(h).append("\r\n"));
        if (body.length > 0 || method.equals("POST")) {
            head.append("Content-Length: ").append(body.length).append("\r\n");
        }
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
        all.writeBytes(body);
        send(all.toByteArray());
    }

    public Response exchange(String method, String path, List<String> headers, byte[] body)
            throws IOException {
        request(method, path, headers, body);
        return response(!method.equals("HEAD"));
    }

    public String line() throws IOException {
        StringBuilder line = new StringBuilder();
        int b = in.read();
        while (b != '\n') {
            if (b < 0) {
                throw new IOException("end of stream after '" + line + "'");
            }
            if (b != '\r') {
                line.append((char) b);
            }
            b = in.read();
        }
        return line.toString();
    }

    /** Status and headers, and the body where it has a length. */
    public Response response(boolean withBody) throws IOException {
        String status = line();
        Map<String, List<String>> headers = new java.util.HashMap<>();
        String header = line();
        while (!header.isEmpty()) {
            int colon = header.indexOf(':');
            headers.computeIfAbsent(
                            header.substring(0, colon).toLowerCase(Locale.ROOT),
                            _ -> new ArrayList<>())
                    .add(header.substring(colon + 1).strip());
            header = line();
        }
        List<String> length = headers.get("content-length");
        byte[] body =
                withBody && length != null
                        ? in.readNBytes(Integer.parseInt(length.getFirst()))
                        : new byte[0];
        return new Response(Integer.parseInt(status.split(" ")[1]), headers, body);
    }

    private byte[] left = new byte[0];
    private int taken;

    /** The next record of a chunked stream; empty at its end. */
    public byte[] record() throws IOException {
        StringBuilder length = new StringBuilder();
        int b = next();
        if (b < 0) {
            return new byte[0];
        }
        while (b != '\n') {
            length.append((char) b);
            b = next();
        }
        byte[] record = new byte[Integer.parseInt(length.toString())];
        for (int i = 0; i < record.length; i++) {
            record[i] = (byte) next();
        }
        return record;
    }

    private int next() throws IOException {
        if (taken == left.length) {
            taken = 0;
            int size = Integer.parseInt(line(), 16);
            left = in.readNBytes(size);
            line();
            if (size == 0) {
                return -1;
            }
        }
        return left[taken++] & 0xff;
    }

    /** Whether the other side has ended the connection. */
    public boolean ended() throws IOException {
        try {
            return in.read() < 0;
        } catch (java.net.SocketException _) {
            return true;
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
