package dev.berth.master.transport;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.FieldDescriptor;

import dev.berth.http.AccessToken;
import dev.berth.http.Encoding;
import dev.berth.http.Samples;
import dev.berth.http.Wire;
import dev.berth.protocol.v1.Protos.AgentID;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.FrameworkInfo.Capability;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.scheduler.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.Base64;
import java.util.EnumSet;
import java.util.Set;

/** The table of scheduler calls (facts B1) and the order of their checks (A2), over real sockets, in both encodings. */
@Timeout(120)
class SchedulerTableTest {
    private static final Set<Call.Type> NOT_THERE =
            EnumSet.of(
                    Call.Type.UNKNOWN,
                    Call.Type.ACCEPT_INVERSE_OFFERS,
                    Call.Type.DECLINE_INVERSE_OFFERS,
                    Call.Type.ACKNOWLEDGE_OPERATION_STATUS,
                    Call.Type.RECONCILE_OPERATIONS);
    private static final Set<Call.Type> WITHOUT_FIELD =
            EnumSet.of(Call.Type.UNKNOWN, Call.Type.TEARDOWN, Call.Type.REVIVE, Call.Type.SUPPRESS);

    private TestMaster master;

    @BeforeEach
    void open() throws Exception {
        master = new TestMaster(AccessToken.ANONYMOUS, Limits.USUAL);
    }

    @AfterEach
    void close() {
        master.close();
        assertThat(master.failure).isNull();
    }

    private static Call.Builder whole(Call.Type type, FrameworkID framework) {
        Call.Builder call = Call.newBuilder().setType(type).setFrameworkId(framework);
        FieldDescriptor field = Samples.field(Call.getDescriptor(), type);
        if (field != null) {
            call.setField(field, Samples.required(call.newBuilderForField(field)));
        }
        if (type == Call.Type.ACKNOWLEDGE_OPERATION_STATUS) {
            call.getAcknowledgeOperationStatusBuilder()
                    .setAgentId(AgentID.newBuilder().setValue("a"));
        }
        if (type == Call.Type.UPDATE_FRAMEWORK) {
            call.getUpdateFrameworkBuilder().setFrameworkInfo(V1.info().setId(framework));
        }
        return call;
    }

    private static int expected(Call.Type type) {
        return NOT_THERE.contains(type) ? 501 : type == Call.Type.UPDATE_FRAMEWORK ? 200 : 202;
    }

    @ParameterizedTest
    @EnumSource(Encoding.class)
    void everyCallIsAnsweredAsTheTableSays(Encoding encoding) throws Exception {
        V1 client = new V1(master.port(), encoding);
        for (Call.Type type : Call.Type.values()) {
            if (type == Call.Type.SUBSCRIBE) {
                continue;
            }
            // Each its own framework: TEARDOWN ends it.
            V1.Subscribed own = client.subscribed(V1.info());
            String id = "Mesos-Stream-Id: " + own.streamId();
            Call.Builder call = whole(type, own.framework());
            var answer = client.say(V1.SCHEDULER, call.build(), id, "Accept: text/html");
            int status = type == Call.Type.RECONCILE_OPERATIONS ? 406 : expected(type);
            assertThat(answer.status()).as(type + " with a strange Accept").isEqualTo(status);
            if (type == Call.Type.TEARDOWN) {
                continue;
            }
            answer = client.say(V1.SCHEDULER, call.build(), id);
            assertThat(answer.status()).as(type.name()).isEqualTo(expected(type));
            if (answer.status() == 501) {
                assertThat(answer.text()).contains(type.name());
            }
            refusals(client, own, type, call);
            own.wire().close();
        }
    }

    /** Each wrong in one way more than the one after it: the first check that fails answers. */
    private static void refusals(V1 client, V1.Subscribed own, Call.Type type, Call.Builder call)
            throws Exception {
        String id = "Mesos-Stream-Id: " + own.streamId();
        if (!WITHOUT_FIELD.contains(type)) {
            Call.Builder bare =
                    call.clone().clearField(Samples.field(Call.getDescriptor(), type)).clone();
            var answer = client.say(V1.SCHEDULER, bare.build(), id, "Accept: text/html");
            assertThat(answer.status()).as(type + " without its field").isEqualTo(400);
            assertThat(answer.text()).contains("Expecting");
        }
        Call.Builder stranger = whole(type, FrameworkID.newBuilder().setValue("none").build());
        assertThat(client.say(V1.SCHEDULER, stranger.build(), "Mesos-Stream-Id: x").text())
                .contains("Framework cannot be found");
        assertThat(client.status(call.clone().clearFrameworkId(), id)).isEqualTo(400);
        assertThat(client.status(call.clone().clearType(), id)).isEqualTo(400);
        assertThat(client.status(call)).as(type + " without a stream id").isEqualTo(400);
        assertThat(client.status(call, "Mesos-Stream-Id: x")).isEqualTo(400);
    }

    @ParameterizedTest
    @EnumSource(Encoding.class)
    void callsThatCarryWhatTheyMustNotAreRefused(Encoding encoding) throws Exception {
        V1 client = new V1(master.port(), encoding);
        V1.Subscribed own = client.subscribed(V1.info());
        String id = "Mesos-Stream-Id: " + own.streamId();
        Call.Builder ack = whole(Call.Type.ACKNOWLEDGE, own.framework());
        ack.getAcknowledgeBuilder().setUuid(com.google.protobuf.ByteString.copyFrom(new byte[15]));
        assertThat(client.status(ack, id)).as("a uuid of 15 bytes").isEqualTo(400);
        Call.Builder operation = whole(Call.Type.ACKNOWLEDGE_OPERATION_STATUS, own.framework());
        operation.getAcknowledgeOperationStatusBuilder().clearAgentId();
        assertThat(client.status(operation, id)).as("no agent").isEqualTo(400);
        Call.Builder update = whole(Call.Type.UPDATE_FRAMEWORK, own.framework());
        update.getUpdateFrameworkBuilder()
                .getFrameworkInfoBuilder()
                .setId(FrameworkID.newBuilder().setValue("other"));
        assertThat(client.status(update, id)).as("another's id").isEqualTo(400);
        for (Offer.Operation.Type type : Offer.Operation.Type.values()) {
            Call.Builder accept = whole(Call.Type.ACCEPT, own.framework());
            accept.getAcceptBuilder().addOperationsBuilder().setType(type);
            boolean there =
                    type == Offer.Operation.Type.LAUNCH
                            || type == Offer.Operation.Type.LAUNCH_GROUP;
            assertThat(client.status(accept, id)).as(type.name()).isEqualTo(there ? 202 : 501);
        }
        String user =
                "Authorization: Basic "
                        + Base64.getEncoder()
                                .encodeToString(
                                        "me:".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        assertThat(client.status(whole(Call.Type.REVIVE, own.framework()), id, user))
                .as("a framework without a principal is everybody's")
                .isEqualTo(202);
        assertThat(
                        client.status(
                                V1.subscribe(V1.info().setPrincipal("you")),
                                user,
                                "Accept: text/html"))
                .as("malformed comes before not acceptable")
                .isEqualTo(400);
        own.wire().close();
    }

    @ParameterizedTest
    @EnumSource(Encoding.class)
    void onlyTheNewestSubscriptionOfAFrameworkMaySpeak(Encoding encoding) throws Exception {
        V1 client = new V1(master.port(), encoding);
        V1.Subscribed first = client.subscribed(V1.info().setFailoverTimeout(3600));
        Call.Builder mixed =
                V1.subscribe(V1.info().setId(first.framework()))
                        .setFrameworkId(FrameworkID.newBuilder().setValue("other"));
        assertThat(client.status(mixed, "Accept: text/html")).isEqualTo(400);
        assertThat(
                        client.status(
                                V1.subscribe(V1.info().setId(first.framework())),
                                "Mesos-Stream-Id: " + first.streamId()))
                .as("SUBSCRIBE with a stream's id")
                .isEqualTo(400);
        V1.Subscribed second =
                client.subscribed(V1.info().setFailoverTimeout(3600).setId(first.framework()));
        Event event = client.event(first.wire());
        while (event.getType() != Event.Type.ERROR) {
            event = client.event(first.wire());
        }
        assertThat(event.getError().getMessage()).isEqualTo("Framework failed over");
        assertThat(first.wire().record()).as("the stream ends").isEmpty();
        Call.Builder revive = whole(Call.Type.REVIVE, first.framework());
        assertThat(client.status(revive, "Mesos-Stream-Id: " + first.streamId())).isEqualTo(400);
        assertThat(client.status(revive, "Mesos-Stream-Id: " + second.streamId())).isEqualTo(202);
        second.wire().close();
        int status = 202;
        long end = System.nanoTime() + 20_000_000_000L;
        while (status != 403 && System.nanoTime() < end) {
            status = client.status(revive, "Mesos-Stream-Id: " + second.streamId());
        }
        assertThat(status).as("not subscribed any more").isEqualTo(403);
        assertThat(client.status(revive)).as("that comes before the header").isEqualTo(403);
    }

    @ParameterizedTest
    @EnumSource(Encoding.class)
    void whoCannotBeSubscribedIsToldInAStream(Encoding encoding) throws Exception {
        V1 client = new V1(master.port(), encoding);
        V1.Subscribed gone = client.subscribed(V1.info());
        Call.Builder teardown = whole(Call.Type.TEARDOWN, gone.framework());
        assertThat(client.status(teardown, "Mesos-Stream-Id: " + gone.streamId())).isEqualTo(202);
        V1.Subscribed kept = client.subscribed(V1.info().setPrincipal("a"));
        for (var info :
                java.util.List.of(
                        V1.info().setId(gone.framework()),
                        V1.info().setId(kept.framework()).setPrincipal("b"),
                        V1.info()
                                .addRoles("../x")
                                .addCapabilities(
                                        Capability.newBuilder()
                                                .setType(Capability.Type.MULTI_ROLE)),
                        V1.info().addRoles("r"))) {
            try (Wire wire = new Wire(master.port())) {
                wire.request(
                        "POST",
                        V1.SCHEDULER,
                        client.headers(),
                        encoding.write(V1.subscribe(info).build()));
                assertThat(wire.response(false).status()).isEqualTo(200);
                assertThat(client.event(wire).getError().getMessage()).isNotEmpty();
                assertThat(wire.record()).isEmpty();
            }
        }
        kept.wire().close();
    }
}
