package dev.berth.tests.bench.scale;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;

import dev.berth.protocol.MesosJson;
import dev.berth.protocol.MesosJsonReader;
import dev.berth.protocol.ProtocolException;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.OfferID;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.scheduler.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import io.netty.handler.codec.http.HttpHeaders;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** A framework of one role on the scheduler API, in protobuf or JSON. Clients' loop only, where not said otherwise. */
final class SimFramework implements Connection.Stream {
    private static final String PATH = "/api/v1/scheduler";

    private final int number;
    private final boolean json;
    private final Consumer<Seen> watcher;
    private Connection stream;
    private Connection calls;
    private volatile String id = "";
    private volatile String streamId = "";

    /** A record of its stream. */
    record Seen(SimFramework framework, byte[] record, long atNs) {
        Event event() {
            return framework.decode(record);
        }
    }

    SimFramework(int number, Connection stream, Connection calls, Consumer<Seen> watcher) {
        this.number = number;
        this.json = number % 2 == 1;
        this.stream = stream;
        this.calls = calls;
        this.watcher = watcher;
    }

    int number() {
        return number;
    }

    boolean isJson() {
        return json;
    }

    /** Any thread. */
    Protos.FrameworkID id() {
        return Protos.FrameworkID.newBuilder().setValue(id).build();
    }

    boolean isSubscribed() {
        return !id.isEmpty() && !streamId.isEmpty();
    }

    /** Tells it who it is. */
    void named(String value) {
        id = value;
    }

    Connection connection() {
        return calls;
    }

    void reconnected(Connection nextStream, Connection nextCalls) {
        stream = nextStream;
        calls = nextCalls;
        streamId = "";
    }

    private String type() {
        return json ? "application/json" : "application/x-protobuf";
    }

    private byte[] encode(Message message) {
        return json ? MesosJson.write(message) : message.toByteArray();
    }

    /** Any thread. */
    Event decode(byte[] record) {
        try {
            return json
                    ? MesosJsonReader.read(record, Event.getDefaultInstance())
                    : Event.parseFrom(record);
        } catch (ProtocolException | InvalidProtocolBufferException e) {
            throw new IllegalStateException("the master wrote what cannot be read", e);
        }
    }

    String role() {
        int role = number % 10;
        return role < 5 ? "role-" + role : "team-" + role % 2 + "/role-" + role;
    }

    FrameworkInfo info() {
        FrameworkInfo.Builder info =
                FrameworkInfo.newBuilder()
                        .setUser("root")
                        .setName("framework-" + number)
                        .addRoles(role())
                        .setHostname("scheduler-" + number)
                        .setFailoverTimeout(86_400)
                        .setCheckpoint(true);
        for (FrameworkInfo.Capability.Type type :
                List.of(
                        FrameworkInfo.Capability.Type.MULTI_ROLE,
                        FrameworkInfo.Capability.Type.PARTITION_AWARE,
                        FrameworkInfo.Capability.Type.GPU_RESOURCES)) {
            info.addCapabilities(FrameworkInfo.Capability.newBuilder().setType(type));
        }
        if (!id.isEmpty()) {
            info.setId(id());
        }
        return info.build();
    }

    void subscribe(boolean suppressed) {
        Call.Subscribe.Builder subscribe = Call.Subscribe.newBuilder().setFrameworkInfo(info());
        if (suppressed) {
            subscribe.addSuppressedRoles(role());
        }
        Call.Builder call = Call.newBuilder().setType(Call.Type.SUBSCRIBE).setSubscribe(subscribe);
        if (!id.isEmpty()) {
            call.setFrameworkId(id());
        }
        stream.subscribe(PATH, type(), encode(call.build()), this);
    }

    @Override
    public void begun(HttpHeaders headers) {
        streamId = headers.get("Mesos-Stream-Id");
    }

    @Override
    public void record(byte[] record, long atNs) {
        watcher.accept(new Seen(this, record, atNs));
    }

    /** Any call but SUBSCRIBE; anything but 202 ends the benchmark. */
    void call(Call.Builder call) {
        call(call, _ -> {});
    }

    void call(Call.Builder call, Consumer<Connection.Reply> done) {
        call.setFrameworkId(id());
        calls.call(
                PATH,
                type(),
                encode(call.build()),
                Map.of("Mesos-Stream-Id", streamId),
                reply -> {
                    if (reply.status() != 202) {
                        throw new IllegalStateException(
                                call.getType() + " was answered " + reply.status());
                    }
                    done.accept(reply);
                });
    }

    void acknowledge(TaskStatus status) {
        call(
                Call.newBuilder()
                        .setType(Call.Type.ACKNOWLEDGE)
                        .setAcknowledge(
                                Call.Acknowledge.newBuilder()
                                        .setAgentId(status.getAgentId())
                                        .setTaskId(status.getTaskId())
                                        .setUuid(status.getUuid())));
    }

    void decline(List<OfferID> offers, double seconds, Consumer<Connection.Reply> done) {
        call(
                Call.newBuilder()
                        .setType(Call.Type.DECLINE)
                        .setDecline(
                                Call.Decline.newBuilder()
                                        .addAllOfferIds(offers)
                                        .setFilters(
                                                Protos.Filters.newBuilder()
                                                        .setRefuseSeconds(seconds))),
                done);
    }
}
