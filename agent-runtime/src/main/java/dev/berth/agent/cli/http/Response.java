package dev.berth.agent.cli.http;

import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.json.JsonReader;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** An answer whose status was below 400. Closing it, or reading its body to the end, frees the connection. */
public final class Response implements AutoCloseable {
    private final Connection.Head head;
    private final InputStream body;

    Response(Connection.Head head, InputStream body) {
        this.head = head;
        this.body = body;
    }

    public int status() {
        return head.status();
    }

    /** A header's value, empty when it is absent; {@code name} in lower case. */
    public String header(String name) {
        return head.header(name);
    }

    public InputStream body() {
        return body;
    }

    /** The body's one JSON value. */
    public Json json() throws IOException {
        return JsonReader.read(body);
    }

    public String text() throws IOException {
        return new String(body.readAllBytes(), StandardCharsets.UTF_8);
    }

    @Override
    public void close() throws IOException {
        body.close();
    }
}
