package dev.berth.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;

import dev.berth.agent.config.MasterOptions;
import dev.berth.agent.device.DeviceSetup;
import dev.berth.protocol.MesosJson;
import dev.berth.protocol.MesosJsonReader;
import dev.berth.protocol.v1.agent.Protos.Call;
import dev.berth.protocol.v1.agent.Protos.Response;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** The table of the agent's operator calls (facts B5) and the order of their checks (A2), over real sockets, in both encodings. */
@Timeout(60)
class OperatorTableTest {
    private static final String JSON = "application/json";
    private static final String PROTOBUF = "application/x-protobuf";
    private static final Set<String> ANSWERED =
            Set.of(
                    "GET_HEALTH",
                    "GET_VERSION",
                    "GET_METRICS",
                    "GET_STATE",
                    "GET_CONTAINERS",
                    "GET_FRAMEWORKS",
                    "GET_EXECUTORS",
                    "GET_OPERATIONS",
                    "GET_TASKS",
                    "GET_AGENT",
                    "GET_RESOURCE_PROVIDERS");

    @TempDir Path directory;
    private final HttpClient client = HttpClient.newHttpClient();
    private FakeMaster master;
    private FakeAgent agent;

    @BeforeEach
    void open() throws Exception {
        master = new FakeMaster();
        MasterOptions told = master.options("").orElseThrow();
        MasterOptions open =
                new MasterOptions(
                        told.masters(),
                        Optional.empty(),
                        "127.0.0.1",
                        0,
                        true,
                        Optional.empty(),
                        "",
                        "");
        agent =
                new FakeAgent(
                        directory,
                        0,
                        DeviceSetup.none(directory.resolve("devices")),
                        Optional.of(open));
        master.accept();
    }

    @AfterEach
    void close() throws Exception {
        agent.close();
        master.close();
    }

    private HttpResponse<byte[]> post(byte[] body, String... headers) throws Exception {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(
                                URI.create(
                                        "http://127.0.0.1:"
                                                + agent.operatorPort()
                                                + "/slave(1)/api/v1/"))
                        .POST(HttpRequest.BodyPublishers.ofByteArray(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    }

    private static String text(HttpResponse<byte[]> response) {
        return new String(response.body(), StandardCharsets.UTF_8);
    }

    private static Message required(Message.Builder builder) {
        for (FieldDescriptor field : builder.getDescriptorForType().getFields()) {
            if (field.isRequired()) {
                builder.setField(
                        field,
                        switch (field.getJavaType()) {
                            case INT -> 1;
                            case LONG -> 1L;
                            case STRING -> "x";
                            case MESSAGE -> required(builder.newBuilderForField(field));
                            default -> throw new AssertionError(field.getFullName());
                        });
            }
        }
        return builder.build();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyCallIsAnsweredAsTheTableSays(boolean json) throws Exception {
        String type = json ? JSON : PROTOBUF;
        for (Call.Type each : Call.Type.values()) {
            Call.Builder call = Call.newBuilder().setType(each);
            FieldDescriptor field =
                    Call.getDescriptor().findFieldByName(each.name().toLowerCase(Locale.ROOT));
            boolean mandatory =
                    field != null
                            && each != Call.Type.GET_CONTAINERS
                            && each != Call.Type.PRUNE_IMAGES;
            if (mandatory) {
                var bare = post(encode(call.build(), json), "Content-Type", type);
                assertThat(bare.statusCode()).as(each + " without its field").isEqualTo(400);
                assertThat(text(bare)).contains("'" + field.getName() + "'");
            }
            if (field != null) {
                call.setField(field, required(call.newBuilderForField(field)));
            }
            var answer = post(encode(call.build(), json), "Content-Type", type, "Accept", type);
            if (ANSWERED.contains(each.name())) {
                assertThat(answer.statusCode()).as(each + ": " + text(answer)).isEqualTo(200);
                assertThat(answer.headers().firstValue("Content-Type")).contains(type);
                Response response =
                        json
                                ? MesosJsonReader.read(answer.body(), Response.getDefaultInstance())
                                : Response.parseFrom(answer.body());
                assertThat(response.getType().name()).isEqualTo(each.name());
                if (each == Call.Type.GET_VERSION) {
                    assertThat(response.getGetVersion().getVersionInfo().getVersion())
                            .isEqualTo("1.11.0");
                }
            } else if (each == Call.Type.LIST_FILES || each == Call.Type.READ_FILE) {
                assertThat(answer.statusCode()).as(each.name()).isEqualTo(404);
            } else if (each == Call.Type.ATTACH_CONTAINER_INPUT) {
                assertThat(answer.statusCode()).as("not as records").isEqualTo(415);
            } else {
                assertThat(answer.statusCode()).as(each.name()).isEqualTo(501);
                assertThat(text(answer)).contains(each.name());
            }
        }
    }

    private static byte[] encode(Call call, boolean json) {
        return json ? MesosJson.write(call) : call.toByteArray();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "400 | -                | */*                       | -                    | {\"type\":\"GET_HEALTH\"}",
                "415 | text/plain       | */*                       | -                    | {\"type\":\"GET_HEALTH\"}",
                "400 | application/recordio | */*                   | -                    | {\"type\":\"GET_HEALTH\"}",
                "415 | application/json | */*                       | Message-Content-Type | {\"type\":\"GET_HEALTH\"}",
                "406 | application/json | */*                       | Message-Accept       | {\"type\":\"GET_HEALTH\"}",
                "406 | application/json | text/html                 | -                    | {\"type\":\"GET_HEALTH\"}",
                "406 | application/json | application/json;q=0      | -                    | {",
                "406 | application/json | application/recordio      | -                    | {\"type\":\"GET_HEALTH\"}",
                "200 | application/json | application/*;q=0.1       | -                    | {\"type\":\"GET_HEALTH\"}",
                "200 | Application/JSON;charset=utf-8 | */*         | -                    | {\"type\":\"GET_HEALTH\"}",
                "400 | application/json | */*                       | -                    | {",
                "400 | application/json | */*                       | -                    | []",
                "400 | application/json | */*                       | -                    | {}",
                "400 | application/json | */*                       | -                    | {\"type\":5}",
                "400 | application/json | */*                       | -                    | {\"type\":\"NO_SUCH_CALL\"}",
                "400 | application/x-protobuf | */*                 | -                    | {}"
            })
    void wrongHeadersAndBodiesAreRefused(
            int status, String type, String accept, String more, String body) throws Exception {
        java.util.List<String> headers =
                new java.util.ArrayList<>(java.util.List.of("Accept", accept));
        if (!type.equals("-")) {
            headers.addAll(java.util.List.of("Content-Type", type));
        }
        if (!more.equals("-")) {
            headers.addAll(java.util.List.of(more, JSON));
        }
        var answer = post(body.getBytes(StandardCharsets.UTF_8), headers.toArray(new String[0]));
        assertThat(answer.statusCode()).as(text(answer)).isEqualTo(status);
    }

    /** What a connection says at once, and what of the answers must come in this order. */
    private void said(String request, String... answers) throws Exception {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), agent.operatorPort())) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
            String all = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int at = 0;
            for (String answer : answers) {
                int next = all.indexOf(answer, at);
                assertThat(next).as(answer + " in " + all).isGreaterThanOrEqualTo(at);
                at = next + 1;
            }
        }
    }

    @Test
    void brokenRequestsEndTheirConnectionOnlyAndOthersAreAnsweredInOrder() throws Exception {
        said("NONSENSE\r\n\r\n", "400 Bad Request");
        said("GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "400 Bad Request");
        said("POST /api/v1 HTTP/1.1\r\nContent-Length: x\r\n\r\n", "400 Bad Request");
        said(
                "PUT /api/v1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                "405 Method Not Allowed");
        said(
                "POST /api/v1 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 9999999\r\n\r\n",
                "413");
        said(
                "GET /version HTTP/1.1\r\nHost: a\r\n\r\nGET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"
                        + "GET /metrics/snapshot HTTP/1.1\r\nHost: a\r\n\r\nGET /health/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                "\"version\":\"1.11.0\"",
                "404 Not Found",
                "slave/registered",
                "200 OK");
        said("GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "200 OK");
    }
}
