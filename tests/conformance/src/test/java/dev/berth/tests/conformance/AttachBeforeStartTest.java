package dev.berth.tests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.tests.kit.AgentProcess;
import dev.berth.tests.kit.Await;
import dev.berth.tests.kit.BusyboxRoot;
import dev.berth.tests.kit.Engine;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Docker's order (attach, then wait, then start) loses no byte, however short the run. */
@Tag("conformance")
@Timeout(300)
class AttachBeforeStartTest {
    private static final int RUNS = 1000;

    @TempDir static Path directory;
    private static AgentProcess agent;
    private static Path root;

    @BeforeAll
    static void start() throws IOException {
        agent = AgentProcess.start(directory.resolve("a"));
        root = BusyboxRoot.make(directory.resolve("root"));
    }

    @AfterAll
    static void stop() {
        agent.close();
    }

    @Test
    void aThousandRunsOfEchoGiveTheirExactOutput() throws IOException {
        Engine engine = agent.engine();
        List<String> wrong = new ArrayList<>();
        for (int run = 0; run < RUNS; run++) {
            ObjectNode request = Engine.command(root, "echo", "run " + run);
            request.withObjectProperty("HostConfig").put("AutoRemove", true);
            String id = engine.create(request);
            String output;
            try (SocketChannel attached = attach(id)) {
                engine.start(id);
                output = frames(attached);
            }
            if (!output.equals("1:run " + run + "\n")) {
                wrong.add(run + " gave \"" + output + "\"");
            }
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void aMebibyteComesWholeAndInOrder() throws IOException {
        Engine engine = agent.engine();
        String id = engine.create(Engine.command(root, "seq", "1", "150000"));
        try (SocketChannel attached = attach(id)) {
            engine.start(id);
            assertThat(frames(attached).replace("1:", "")).isEqualTo(numbers());
        }
        engine.remove(id);
    }

    /** More than what the socket takes, in many files of a log, of a container that is gone before the client reads. */
    @Test
    void aClientThatReadsAfterTheRemovalMissesNothing() throws Exception {
        Engine engine = agent.engine();
        ObjectNode request = Engine.command(root, "seq", "1", "150000");
        ObjectNode host = request.withObjectProperty("HostConfig").put("AutoRemove", true);
        ObjectNode log = host.withObjectProperty("LogConfig").put("Type", "json-file");
        log.withObjectProperty("Config").put("max-size", "64k").put("max-file", "999");
        String id = engine.create(request);
        try (SocketChannel attached = attach(id)) {
            engine.start(id);
            Await.until(
                    "the container is removed",
                    60,
                    () -> engine.call("GET", "/containers/json?all=1", "").isEmpty());
            assertThat(frames(attached).replace("1:", "")).isEqualTo(numbers());
        }
    }

    private static String numbers() {
        StringBuilder expected = new StringBuilder();
        for (int i = 1; i <= 150000; i++) {
            expected.append(i).append('\n');
        }
        return expected.toString();
    }

    private static SocketChannel attach(String id) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(agent.socket()));
        String request =
                "POST /v1.47/containers/"
                        + id
                        + "/attach?stream=1&stdout=1&stderr=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n";
        channel.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII)));
        StringBuilder head = new StringBuilder();
        ByteBuffer one = ByteBuffer.allocate(1);
        while (!head.toString().endsWith("\r\n\r\n")) {
            one.clear();
            if (channel.read(one) < 0) {
                throw new IOException("no answer to attach: " + head);
            }
            head.append((char) one.get(0));
        }
        assertThat(head.toString()).startsWith("HTTP/1.1 101 ");
        // As docker's client does when it has no standard input.
        channel.shutdownOutput();
        return channel;
    }

    /** Each piece as {@code STREAM:TEXT}; pieces of one stream in a row are joined. */
    private static String frames(SocketChannel channel) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
        while (channel.read(buffer.clear()) >= 0) {
            all.write(buffer.array(), 0, buffer.position());
        }
        ByteBuffer frames = ByteBuffer.wrap(all.toByteArray());
        StringBuilder text = new StringBuilder();
        int last = 0;
        while (frames.remaining() >= 8) {
            int stream = frames.get();
            assertThat(frames.get() | frames.get() | frames.get()).isZero();
            byte[] payload = new byte[frames.getInt()];
            frames.get(payload);
            text.append(stream == last ? "" : stream + ":")
                    .append(new String(payload, StandardCharsets.UTF_8));
            last = stream;
        }
        assertThat(frames.remaining()).isZero();
        return text.toString();
    }
}
