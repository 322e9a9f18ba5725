package dev.berth.master.transport;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.FieldDescriptor;

import dev.berth.http.AccessToken;
import dev.berth.http.Encoding;
import dev.berth.http.Samples;
import dev.berth.http.Wire;
import dev.berth.protocol.v1.master.Protos.Call;
import dev.berth.protocol.v1.master.Protos.Event;
import dev.berth.protocol.v1.master.Protos.Response;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.Set;

/** The table of operator calls (facts B4), over real sockets, in both encodings; and watchers that do not read. */
@Timeout(120)
class OperatorTableTest {
    private static final Set<String> ANSWERED =
            Set.of(
                    "GET_HEALTH",
                    "GET_FLAGS",
                    "GET_VERSION",
                    "GET_METRICS",
                    "GET_STATE",
                    "GET_AGENTS",
                    "GET_FRAMEWORKS",
                    "GET_EXECUTORS",
                    "GET_OPERATIONS",
                    "GET_TASKS",
                    "GET_ROLES",
                    "GET_WEIGHTS",
                    "GET_MASTER");

    private TestMaster master;

    @BeforeEach
    void open() throws Exception {
        master =
                new TestMaster(
                        AccessToken.ANONYMOUS, new Limits(1 << 20, 1 << 20, 50, 4 << 20, 1024));
    }

    @AfterEach
    void close() {
        master.close();
        assertThat(master.failure).isNull();
    }

    private static int expected(Call.Type type) {
        return switch (type.name()) {
            case "UPDATE_WEIGHTS", "SUBSCRIBE" -> 200;
            case "TEARDOWN" -> 400;
            case "MARK_AGENT_GONE" -> 404;
            default -> ANSWERED.contains(type.name()) ? 200 : 501;
        };
    }

    @ParameterizedTest
    @EnumSource(Encoding.class)
    void everyCallIsAnsweredAsTheTableSays(Encoding encoding) throws Exception {
        V1 client = new V1(master.port(), encoding);
        for (Call.Type type : Call.Type.values()) {
            Call.Builder call = Call.newBuilder().setType(type);
            FieldDescriptor field = Samples.field(Call.getDescriptor(), type);
            if (field != null) {
                var bare = client.say(V1.OPERATOR, call.build(), "Accept: text/html");
                assertThat(bare.status()).as(type + " without its field").isEqualTo(400);
                assertThat(bare.text()).contains("'" + field.getName() + "'");
                call.setField(field, Samples.required(call.newBuilderForField(field)));
            }
            assertThat(client.say(V1.OPERATOR, call.build(), "Accept: text/html").status())
                    .as(type + " for nobody")
                    .isEqualTo(406);
            if (type != Call.Type.SUBSCRIBE) {
                answer(client, type, client.say(V1.OPERATOR, call.build()));
            }
        }
        var nothing = client.say(V1.OPERATOR, Call.getDefaultInstance(), "Accept: text/html");
        assertThat(nothing.status()).isEqualTo(400);
    }

    private static void answer(V1 client, Call.Type type, Wire.Response answer) throws Exception {
        assertThat(answer.status()).as(type + ": " + answer.text()).isEqualTo(expected(type));
        if (answer.status() == 501) {
            assertThat(answer.text()).contains(type.name());
            assertThat(answer.header("Content-Type")).startsWith("text/plain");
        } else if (type.name().startsWith("GET_")) {
            assertThat(answer.header("Content-Type")).isEqualTo(client.encoding().mediaType());
            Response response = client.read(answer.body(), Response.getDefaultInstance());
            assertThat(response.getType().name()).isEqualTo(type.name());
            assertThat(response.hasField(Samples.field(Response.getDescriptor(), type))).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(Encoding.class)
    void theVersionIsOneThatClientsTakeForMesos(Encoding encoding) throws Exception {
        V1 client = new V1(master.port(), encoding);
        try (Wire agent = V1.agent(master.port())) {
            agent.record();
            for (Call.Type type :
                    Set.of(Call.Type.GET_VERSION, Call.Type.GET_MASTER, Call.Type.GET_AGENTS)) {
                var answer = client.say(V1.OPERATOR, Call.newBuilder().setType(type).build());
                Response response = client.read(answer.body(), Response.getDefaultInstance());
                String version =
                        switch (type) {
                            case GET_VERSION ->
                                    response.getGetVersion().getVersionInfo().getVersion();
                            case GET_MASTER -> response.getGetMaster().getMasterInfo().getVersion();
                            default -> response.getGetAgents().getAgents(0).getVersion();
                        };
                assertThat(version).as(type.name()).matches("1\\.(1[1-9]|[2-9][0-9])\\..*");
            }
        }
    }

    /** A watcher on a real socket that never reads is let go; who asks meanwhile is answered, and other watchers see everything. */
    @Test
    void aWatcherThatDoesNotReadIsLetGo() throws Exception {
        V1 client = new V1(master.port(), Encoding.PROTOBUF);
        byte[] watch = Call.newBuilder().setType(Call.Type.SUBSCRIBE).build().toByteArray();
        int most = 200;
        try (Wire deaf = new Wire(master.port());
                Wire keen = new Wire(master.port())) {
            for (Wire wire : Set.of(deaf, keen)) {
                wire.request("POST", V1.OPERATOR, client.headers(), watch);
                assertThat(wire.response(false).status()).isEqualTo(200);
            }
            int port = deaf.socket.getLocalPort();
            assertThat(event(keen).getType()).isEqualTo(Event.Type.SUBSCRIBED);
            assertThat(event(keen).getType()).isEqualTo(Event.Type.HEARTBEAT);
            int sent = 0;
            while (master.isConnected(port) && sent < most) {
                sent++;
                // The stream of a framework that goes at once: each is added and removed.
                V1.Subscribed one = client.subscribed(V1.info().setName("x".repeat(400_000)));
                one.wire().close();
                Event event = event(keen);
                while (event.getType() != Event.Type.FRAMEWORK_REMOVED) {
                    event = event(keen);
                }
                assertThat(
                                client.say(
                                                V1.OPERATOR,
                                                Call.newBuilder()
                                                        .setType(Call.Type.GET_HEALTH)
                                                        .build())
                                        .status())
                        .isEqualTo(200);
            }
            assertThat(sent).as("frameworks until it was let go").isBetween(2, most - 1);
            assertThat(master.isConnected(keen.socket.getLocalPort())).isTrue();
        }
    }

    private static Event event(Wire wire) throws Exception {
        return Event.parseFrom(wire.record());
    }
}
