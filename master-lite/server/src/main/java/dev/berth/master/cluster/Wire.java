package dev.berth.master.cluster;

import com.google.protobuf.InvalidProtocolBufferException;

import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.ExecutorId;
import dev.berth.master.ids.FrameworkId;
import dev.berth.master.ids.OfferId;
import dev.berth.master.ids.TaskId;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.TimeInfo;

/** Names between our records and the wire's messages. */
public final class Wire {
    private Wire() {}

    public static Protos.FrameworkID frameworkId(FrameworkId id) {
        return Protos.FrameworkID.newBuilder().setValue(id.value()).build();
    }

    public static FrameworkId frameworkId(Protos.FrameworkID id) {
        return new FrameworkId(id.getValue());
    }

    public static Protos.AgentID agentId(AgentId id) {
        return Protos.AgentID.newBuilder().setValue(id.value()).build();
    }

    public static AgentId agentId(Protos.AgentID id) {
        return new AgentId(id.getValue());
    }

    public static Protos.OfferID offerId(OfferId id) {
        return Protos.OfferID.newBuilder().setValue(id.value()).build();
    }

    public static OfferId offerId(Protos.OfferID id) {
        return new OfferId(id.getValue());
    }

    public static Protos.TaskID taskId(TaskId id) {
        return Protos.TaskID.newBuilder().setValue(id.value()).build();
    }

    public static TaskId taskId(Protos.TaskID id) {
        return new TaskId(id.getValue());
    }

    public static Protos.ExecutorID executorId(ExecutorId id) {
        return Protos.ExecutorID.newBuilder().setValue(id.value()).build();
    }

    public static ExecutorId executorId(Protos.ExecutorID id) {
        return new ExecutorId(id.getValue());
    }

    /** What was written of an agent. */
    public static Protos.AgentInfo info(AgentRecord agent) {
        try {
            return Protos.AgentInfo.parseFrom(agent.info());
        } catch (InvalidProtocolBufferException e) {
            // A registry of another time: the agent tells the rest when it comes.
            return Protos.AgentInfo.newBuilder()
                    .setHostname(agent.hostname())
                    .setId(agentId(agent.id()))
                    .build();
        }
    }

    /** That many nanoseconds since the epoch as a message. */
    public static TimeInfo time(long ns) {
        return TimeInfo.newBuilder().setNanoseconds(ns).build();
    }
}
