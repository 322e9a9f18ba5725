package dev.berth.master.transport;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;

import dev.berth.http.Encoding;
import dev.berth.http.Wire;
import dev.berth.protocol.RecordIo;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.link.Link.FromAgent;
import dev.berth.protocol.v1.Protos.AgentInfo;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.Value;
import dev.berth.protocol.v1.scheduler.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import java.util.ArrayList;
import java.util.List;

/** A client of the master in one encoding, on plain sockets. */
record V1(int port, Encoding encoding) {
    static final String SCHEDULER = "/api/v1/scheduler";
    static final String OPERATOR = "/api/v1";

    /** One subscription: its stream, who it is for, and the stream's id. */
    record Subscribed(Wire wire, FrameworkID framework, String streamId) {}

    List<String> headers(String... more) {
        List<String> headers = new ArrayList<>(List.of(more));
        headers.add("Content-Type: " + encoding.mediaType());
        if (headers.stream().noneMatch(h -> h.startsWith("Accept:"))) {
            headers.add("Accept: " + encoding.mediaType());
        }
        return headers;
    }

    /** Says a call on a connection of its own. */
    Wire.Response say(String path, Message call, String... headers) throws Exception {
        try (Wire wire = new Wire(port)) {
            return wire.exchange("POST", path, headers(headers), encoding.write(call));
        }
    }

    int status(Call.Builder call, String... headers) throws Exception {
        return say(SCHEDULER, call.buildPartial(), headers).status();
    }

    <T extends Message> T read(byte[] bytes, T prototype) throws Exception {
        return encoding.read(bytes, prototype);
    }

    Event event(Wire wire) throws Exception {
        return read(wire.record(), Event.getDefaultInstance());
    }

    static FrameworkInfo.Builder info() {
        return FrameworkInfo.newBuilder().setUser("u").setName("n");
    }

    static Call.Builder subscribe(FrameworkInfo.Builder info) {
        Call.Builder call =
                Call.newBuilder()
                        .setType(Call.Type.SUBSCRIBE)
                        .setSubscribe(Call.Subscribe.newBuilder().setFrameworkInfo(info));
        if (info.hasId()) {
            call.setFrameworkId(info.getId());
        }
        return call;
    }

    /** Subscribes; SUBSCRIBED is read. */
    Subscribed subscribed(FrameworkInfo.Builder info) throws Exception {
        Wire wire = new Wire(port);
        wire.request("POST", SCHEDULER, headers(), encoding.write(subscribe(info).build()));
        var head = wire.response(false);
        assertThat(head.status()).isEqualTo(200);
        assertThat(head.header("Content-Type")).isEqualTo(encoding.mediaType());
        Event first = event(wire);
        assertThat(first.getType()).isEqualTo(Event.Type.SUBSCRIBED);
        return new Subscribed(
                wire, first.getSubscribed().getFrameworkId(), head.header("Mesos-Stream-Id"));
    }

    /** An agent's link; what it is answered is not read. */
    static Wire agent(int port) throws Exception {
        Wire wire = new Wire(port);
        wire.send(
                "POST /berth/v1/link HTTP/1.1\r\nHost: m\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\n\r\n");
        assertThat(wire.response(false).status()).isEqualTo(200);
        chunk(wire, RecordIo.frame(register().toByteArray()));
        return wire;
    }

    static void chunk(Wire wire, byte[] bytes) throws Exception {
        wire.send(Integer.toHexString(bytes.length) + "\r\n");
        wire.send(bytes);
        wire.send("\r\n");
    }

    static FromAgent register() {
        return FromAgent.newBuilder()
                .setRegister(
                        Link.Register.newBuilder()
                                .setProtocol(1)
                                .setAgentInfo(
                                        AgentInfo.newBuilder()
                                                .setHostname("h")
                                                .addResources(scalar("cpus", 8))
                                                .addResources(scalar("mem", 4096)))
                                .setVersion("0.1.0")
                                .setBootId("b"))
                .build();
    }

    static Resource.Builder scalar(String name, double value) {
        return Resource.newBuilder()
                .setName(name)
                .setType(Value.Type.SCALAR)
                .setScalar(Value.Scalar.newBuilder().setValue(value));
    }
}
