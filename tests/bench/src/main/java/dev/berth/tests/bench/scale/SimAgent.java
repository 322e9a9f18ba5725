package dev.berth.tests.bench.scale;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;

import dev.berth.protocol.RecordIo;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.link.Link.FromAgent;
import dev.berth.protocol.link.Link.FromMaster;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.AgentInfo;
import dev.berth.protocol.v1.Protos.Attribute;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.Value;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.UUID;

/** A machine with eight GPUs that does what the master says, and nothing else. Clients' loop only, where not said otherwise. */
final class SimAgent implements Connection.Stream {
    static final int CPUS = 128;
    static final int GPUS = 8;
    static final int MEM = 1_048_576;

    private static final byte[] HEARTBEAT =
            RecordIo.frame(
                    FromAgent.newBuilder()
                            .setHeartbeat(Link.Heartbeat.getDefaultInstance())
                            .build()
                            .toByteArray());

    /** What is told of it. */
    interface Watcher {
        void registered(SimAgent agent, long atNs);

        void launched(SimAgent agent, Link.Launch launch, long atNs);

        void acknowledged(SimAgent agent, Link.Acknowledge acknowledge, long atNs);
    }

    private final int number;
    private final Watcher watcher;
    private Connection connection;
    private volatile String id = "";
    private long updates;

    SimAgent(int number, Connection connection, Watcher watcher) {
        this.number = number;
        this.connection = connection;
        this.watcher = watcher;
    }

    int number() {
        return number;
    }

    /** Empty before it was first registered. Any thread. */
    String id() {
        return id;
    }

    Connection connection() {
        return connection;
    }

    void reconnected(Connection next) {
        connection = next;
    }

    /** Registers with what {@link #registration} made. */
    void register(byte[] framed) {
        connection.link(this);
        connection.say(framed);
    }

    /** Its whole truth. Any thread. */
    byte[] registration(List<FrameworkInfo> frameworks, List<Protos.Task> tasks) {
        AgentInfo.Builder info = info();
        if (!id.isEmpty()) {
            info.setId(Protos.AgentID.newBuilder().setValue(id));
        }
        return RecordIo.frame(
                FromAgent.newBuilder()
                        .setRegister(
                                Link.Register.newBuilder()
                                        .setProtocol(1)
                                        .setAgentInfo(info)
                                        .setVersion("0.1.0")
                                        .setBootId("boot-" + number)
                                        .addAllFrameworks(frameworks)
                                        .addAllTasks(tasks))
                        .build()
                        .toByteArray());
    }

    private AgentInfo.Builder info() {
        AgentInfo.Builder info =
                AgentInfo.newBuilder()
                        .setHostname("gpu-node-" + number + ".rack-" + number / 40 + ".example")
                        .setPort(5051)
                        .addResources(scalar("cpus", CPUS))
                        .addResources(scalar("mem", MEM))
                        .addResources(scalar("disk", 7_000_000))
                        .addResources(scalar("gpus", GPUS))
                        .addResources(
                                Resource.newBuilder()
                                        .setName("ports")
                                        .setType(Value.Type.RANGES)
                                        .setRanges(
                                                Value.Ranges.newBuilder()
                                                        .addRange(
                                                                Value.Range.newBuilder()
                                                                        .setBegin(31_000)
                                                                        .setEnd(32_000))))
                        .addAttributes(text("gpu_model", "NVIDIA H100 80GB HBM3"))
                        .addAttributes(text("rack", "rack-" + number / 40))
                        .addAttributes(text("numa", "0:0-63;1:64-127"))
                        .addAttributes(
                                Attribute.newBuilder()
                                        .setName("gpu_memory_mib")
                                        .setType(Value.Type.SCALAR)
                                        .setScalar(Value.Scalar.newBuilder().setValue(81_559)));
        Value.Set.Builder uuids = Value.Set.newBuilder();
        for (int i = 0; i < GPUS; i++) {
            uuids.addItem("GPU-" + new UUID(number, i));
        }
        return info.addAttributes(
                Attribute.newBuilder().setName("gpu_uuids").setType(Value.Type.SET).setSet(uuids));
    }

    static Resource.Builder scalar(String name, double value) {
        return Resource.newBuilder()
                .setName(name)
                .setType(Value.Type.SCALAR)
                .setScalar(Value.Scalar.newBuilder().setValue(value));
    }

    private static Attribute.Builder text(String name, String value) {
        return Attribute.newBuilder()
                .setName(name)
                .setType(Value.Type.TEXT)
                .setText(Value.Text.newBuilder().setValue(value));
    }

    void heartbeat() {
        connection.say(HEARTBEAT);
    }

    /** A task changed; the answer is the time just before it was said. */
    long update(Protos.FrameworkID framework, TaskInfo task, TaskState state) {
        byte[] uuid = ByteBuffer.allocate(16).putLong(number).putLong(updates++).array();
        byte[] framed =
                RecordIo.frame(
                        FromAgent.newBuilder()
                                .setStatusUpdate(
                                        Link.StatusUpdate.newBuilder()
                                                .setFrameworkId(framework)
                                                .setStatus(
                                                        TaskStatus.newBuilder()
                                                                .setTaskId(task.getTaskId())
                                                                .setState(state)
                                                                .setSource(
                                                                        TaskStatus.Source
                                                                                .SOURCE_EXECUTOR)
                                                                .setUuid(ByteString.copyFrom(uuid))
                                                                .setTimestamp(1.8e9)))
                                .build()
                                .toByteArray());
        long now = System.nanoTime();
        connection.say(framed);
        return now;
    }

    @Override
    public void record(byte[] record, long atNs) {
        FromMaster message;
        try {
            message = FromMaster.parseFrom(record);
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("the master wrote what cannot be read", e);
        }
        switch (message.getMessageCase()) {
            case REGISTERED -> {
                id = message.getRegistered().getAgentId().getValue();
                watcher.registered(this, atNs);
            }
            case LAUNCH -> watcher.launched(this, message.getLaunch(), atNs);
            case ACKNOWLEDGE -> watcher.acknowledged(this, message.getAcknowledge(), atNs);
            case HEARTBEAT, UPDATE_FRAMEWORK -> {}
            default -> throw new IllegalStateException("the master said " + message);
        }
    }
}
