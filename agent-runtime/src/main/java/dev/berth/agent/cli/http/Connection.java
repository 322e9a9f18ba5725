package dev.berth.agent.cli.http;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** One blocking connection with a read buffer. */
final class Connection implements AutoCloseable {
    private static final int HEAD_LIMIT_BYTES = 64 * 1024;

    private final SocketChannel channel;
    private final ByteBuffer in = ByteBuffer.allocateDirect(32 * 1024).flip();

    Connection(Path socket) throws IOException {
        channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    void write(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    void write(String ascii) throws IOException {
        write(ByteBuffer.wrap(ascii.getBytes(StandardCharsets.UTF_8)));
    }

    void shutdownOutput() throws IOException {
        channel.shutdownOutput();
    }

    /** Up to {@code length} bytes; -1 at the end. */
    int read(byte[] target, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        if (!in.hasRemaining() && !fill()) {
            return -1;
        }
        int count = Math.min(length, in.remaining());
        in.get(target, offset, count);
        return count;
    }

    private boolean fill() throws IOException {
        in.clear();
        int count = channel.read(in);
        in.flip();
        return count > 0;
    }

    /** A line without its CR LF. */
    String line() throws IOException {
        StringBuilder line = new StringBuilder(64);
        while (true) {
            if (!in.hasRemaining() && !fill()) {
                throw new EOFException("the agent closed the connection");
            }
            char c = (char) (in.get() & 0xff);
            if (c == '\n') {
                int length = line.length();
                if (length > 0 && line.charAt(length - 1) == '\r') {
                    line.setLength(length - 1);
                }
                return line.toString();
            }
            if (line.length() > HEAD_LIMIT_BYTES) {
                throw new IOException("the answer's head is longer than 64 KiB");
            }
            line.append(c);
        }
    }

    /** Reads status line and headers, skipping informational answers except 101. */
    Head head() throws IOException {
        while (true) {
            String status = line();
            if (!status.startsWith("HTTP/1.") || status.length() < 12) {
                throw new IOException("not an HTTP answer: " + status);
            }
            int code = Integer.parseInt(status.substring(9, 12));
            Map<String, String> headers = new HashMap<>();
            for (String line = line(); !line.isEmpty(); line = line()) {
                int colon = line.indexOf(':');
                if (colon > 0) {
                    headers.put(
                            line.substring(0, colon).toLowerCase(Locale.ROOT),
                            line.substring(colon + 1).strip());
                }
            }
            if (code >= 200 || code == 101) {
                return new Head(code, headers);
            }
        }
    }

    /** All that comes until the other side closes its half. */
    InputStream rest() {
        return new InputStream() {
            @Override
            public int read() throws IOException {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
            }

            @Override
            public int read(byte[] target, int offset, int length) throws IOException {
                return Connection.this.read(target, offset, length);
            }
        };
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    /** Status and headers (names in lower case). */
    record Head(int status, Map<String, String> headers) {
        String header(String name) {
            return headers.getOrDefault(name, "");
        }
    }
}
