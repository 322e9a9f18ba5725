package dev.berth.agent.cli.http;

import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.json.JsonReader;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Optional;

/**
 * Client of the Docker Engine API on a UNIX socket. Answers of 400 and above are {@link EngineException}s.
 *
 * <p>Thread: any; idle connections are shared under this object's monitor.
 */
public final class EngineClient implements AutoCloseable {
    private static final byte[] NOTHING = new byte[0];

    private final Path socket;
    private final Deque<Connection> idle = new ArrayDeque<>();

    public EngineClient(Path socket) {
        this.socket = socket;
    }

    public Path socket() {
        return socket;
    }

    public Response get(Query target) throws IOException {
        return send("GET", target, NOTHING, Map.of());
    }

    public Response delete(Query target) throws IOException {
        return send("DELETE", target, NOTHING, Map.of());
    }

    /** POST with an empty body. */
    public Response post(Query target) throws IOException {
        return send("POST", target, NOTHING, Map.of());
    }

    public Response post(Query target, Json body) throws IOException {
        return send("POST", target, bytes(body), Map.of("Content-Type", "application/json"));
    }

    public Response post(Query target, Map<String, String> headers) throws IOException {
        return send("POST", target, NOTHING, headers);
    }

    /** POST of a stream of unknown length, in chunks. If the agent answers before it has read everything, its answer counts. */
    public Response upload(Query target, InputStream content, String contentType)
            throws IOException {
        Connection connection = new Connection(socket);
        try {
            connection.write(
                    start("POST", target)
                            + "Content-Type: "
                            + contentType
                            + "\r\nTransfer-Encoding: chunked\r\n\r\n");
            byte[] block = new byte[128 * 1024];
            try {
                for (int n = content.read(block); n >= 0; n = content.read(block)) {
                    if (n > 0) {
                        connection.write(Integer.toHexString(n) + "\r\n");
                        connection.write(ByteBuffer.wrap(block, 0, n));
                        connection.write("\r\n");
                    }
                }
                connection.write("0\r\n\r\n");
            } catch (IOException e) {
                return answerDespite(e, connection);
            }
            return answer(connection, false);
        } catch (IOException | RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    private Response answerDespite(IOException broken, Connection connection) throws IOException {
        try {
            return answer(connection, false);
        } catch (EngineException e) {
            throw e;
        } catch (IOException e) {
            broken.addSuppressed(e);
            throw broken;
        }
    }

    /** POST that turns the connection into a raw stream (attach, exec start). */
    public Hijack hijack(Query target, Json body) throws IOException {
        byte[] content = body.isNull() ? NOTHING : bytes(body);
        Connection connection = new Connection(socket);
        try {
            connection.write(
                    start("POST", target)
                            + "Connection: Upgrade\r\nUpgrade: tcp\r\n"
                            + "Content-Type: application/json\r\nContent-Length: "
                            + content.length
                            + "\r\n\r\n");
            connection.write(ByteBuffer.wrap(content));
            Connection.Head head = connection.head();
            if (head.status() >= 400) {
                throw failure(head, new Body(this, connection, head, false));
            }
            if (head.status() != 101 && head.status() != 200) {
                throw new IOException(
                        "the agent did not upgrade " + target + ": status " + head.status());
            }
            return new Hijack(
                    connection,
                    !head.header("content-type").equals("application/vnd.docker.raw-stream"));
        } catch (IOException | RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    private Response send(String method, Query target, byte[] body, Map<String, String> headers)
            throws IOException {
        StringBuilder head = new StringBuilder(start(method, target));
        for (Map.Entry<String, String> header : headers.entrySet()) {
            head.append(header.getKey()).append(": ").append(header.getValue()).append("\r\n");
        }
        head.append("Content-Length: ").append(body.length).append("\r\n\r\n");
        byte[] first = head.toString().getBytes(StandardCharsets.UTF_8);
        ByteBuffer request = ByteBuffer.allocate(first.length + body.length);
        request.put(first).put(body).flip();
        Optional<Connection> reused = takeIdle();
        if (reused.isPresent()) {
            try {
                return exchange(reused.get(), request, method);
            } catch (EngineException e) {
                throw e;
            } catch (IOException e) {
                // The agent may close an idle connection at any time; a fresh one tells the truth.
                request.rewind();
            }
        }
        return exchange(new Connection(socket), request, method);
    }

    private Response exchange(Connection connection, ByteBuffer request, String method)
            throws IOException {
        try {
            connection.write(request);
            return answer(connection, method.equals("HEAD"));
        } catch (EngineException e) {
            // The body was read: the connection is where it belongs.
            throw e;
        } catch (IOException | RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    private Response answer(Connection connection, boolean headOnly) throws IOException {
        Connection.Head head = connection.head();
        boolean empty = headOnly || head.status() == 204 || head.status() == 304;
        Body body = new Body(this, connection, head, empty);
        if (head.status() >= 400) {
            throw failure(head, body);
        }
        return new Response(head, body);
    }

    private static EngineException failure(Connection.Head head, InputStream body)
            throws IOException {
        String text = new String(body.readNBytes(1 << 20), StandardCharsets.UTF_8);
        body.close();
        Json json = Json.NULL;
        try {
            json = JsonReader.read(text);
        } catch (IOException e) {
            // Not JSON: the text itself is the message.
        }
        String message = json.at("message").text(text.strip());
        if (message.isEmpty()) {
            message = "the agent answered with status " + head.status();
        }
        return new EngineException(
                head.status(), message, (int) json.at("Berth", "ExitCode").number());
    }

    private static String start(String method, Query target) {
        return method + " " + target + " HTTP/1.1\r\nHost: berth\r\nUser-Agent: berth\r\n";
    }

    private static byte[] bytes(Json json) {
        return json.toString().getBytes(StandardCharsets.UTF_8);
    }

    private Optional<Connection> takeIdle() {
        synchronized (idle) {
            return Optional.ofNullable(idle.pollFirst());
        }
    }

    void giveBack(Connection connection) {
        synchronized (idle) {
            idle.addFirst(connection);
        }
    }

    @Override
    public void close() throws IOException {
        synchronized (idle) {
            for (Connection connection : idle) {
                connection.close();
            }
            idle.clear();
        }
    }
}
