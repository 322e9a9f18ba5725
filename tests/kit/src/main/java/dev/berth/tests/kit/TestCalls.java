package dev.berth.tests.kit;

import com.google.protobuf.InvalidProtocolBufferException;

import dev.berth.protocol.v1.Protos.AgentID;
import dev.berth.protocol.v1.Protos.CommandInfo;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.TaskID;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.Value;
import dev.berth.protocol.v1.scheduler.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import java.io.IOException;
import java.util.Collection;

/** What a {@link TestScheduler} says and reads. Pure functions. */
final class TestCalls {
    static final FrameworkInfo FRAMEWORK =
            FrameworkInfo.newBuilder()
                    .setUser("root")
                    .setName("test")
                    .addRoles("test")
                    .setFailoverTimeout(3_600)
                    .setCheckpoint(true)
                    .addCapabilities(capability(FrameworkInfo.Capability.Type.MULTI_ROLE))
                    .addCapabilities(capability(FrameworkInfo.Capability.Type.PARTITION_AWARE))
                    .addCapabilities(capability(FrameworkInfo.Capability.Type.GPU_RESOURCES))
                    .build();

    private TestCalls() {}

    private static FrameworkInfo.Capability capability(FrameworkInfo.Capability.Type type) {
        return FrameworkInfo.Capability.newBuilder().setType(type).build();
    }

    static Event event(byte[] record) throws IOException {
        try {
            return Event.parseFrom(record);
        } catch (InvalidProtocolBufferException e) {
            throw new IOException("not an event", e);
        }
    }

    static Call.Builder acknowledgement(TaskStatus status) {
        Call.Builder call = Call.newBuilder().setType(Call.Type.ACKNOWLEDGE);
        call.getAcknowledgeBuilder()
                .setAgentId(status.getAgentId())
                .setTaskId(status.getTaskId())
                .setUuid(status.getUuid());
        return call;
    }

    static Call.Builder accept(Offer offer, Offer.Operation.Builder operation) {
        Call.Builder call = Call.newBuilder().setType(Call.Type.ACCEPT);
        call.getAcceptBuilder().addOfferIds(offer.getId()).addOperations(operation);
        call.getAcceptBuilder().getFiltersBuilder().setRefuseSeconds(0);
        return call;
    }

    static Call.Builder decline(Offer offer, double seconds) {
        Call.Builder call = Call.newBuilder().setType(Call.Type.DECLINE);
        call.getDeclineBuilder()
                .addOfferIds(offer.getId())
                .getFiltersBuilder()
                .setRefuseSeconds(seconds);
        return call;
    }

    static Call.Builder kill(String task, AgentID agent) {
        Call.Builder call = Call.newBuilder().setType(Call.Type.KILL);
        call.getKillBuilder().setTaskId(TaskID.newBuilder().setValue(task)).setAgentId(agent);
        return call;
    }

    static Call.Builder reconcile(Collection<String> tasks) {
        Call.Builder call = Call.newBuilder().setType(Call.Type.RECONCILE);
        var asked = call.getReconcileBuilder();
        for (String task : tasks) {
            asked.addTasksBuilder().getTaskIdBuilder().setValue(task);
        }
        return call;
    }

    static TaskInfo.Builder command(String id, String shell, double cpus, double mem) {
        return TaskInfo.newBuilder()
                .setName(id)
                .setTaskId(TaskID.newBuilder().setValue(id))
                .setAgentId(AgentID.newBuilder().setValue(""))
                .setCommand(CommandInfo.newBuilder().setShell(true).setValue(shell))
                .addResources(scalar("cpus", cpus))
                .addResources(scalar("mem", mem));
    }

    static Resource scalar(String name, double value) {
        return Resource.newBuilder()
                .setName(name)
                .setType(Value.Type.SCALAR)
                .setScalar(Value.Scalar.newBuilder().setValue(value))
                .build();
    }
}
