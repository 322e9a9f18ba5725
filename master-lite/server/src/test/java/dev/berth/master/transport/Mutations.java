package dev.berth.master.transport;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;

import dev.berth.http.Damage;
import dev.berth.http.Encoding;
import dev.berth.http.Samples;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.link.Link.FromAgent;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.scheduler.Protos.Call;

import java.util.Random;

/** Calls that are right but for a few bytes: what they name is there. */
final class Mutations {
    private final Random random;
    private final Damage damage;
    private final FrameworkID framework;
    private final Offer offer;

    /** Around a framework that is subscribed and an offer that it holds. */
    Mutations(Random random, FrameworkID framework, Offer offer) {
        this.random = random;
        damage = new Damage(random);
        this.framework = framework;
        this.offer = offer;
    }

    /** A call of a scheduler, in an encoding, damaged. */
    byte[] scheduler(Encoding encoding) {
        return damage.to(encoding.write(call()), encoding);
    }

    /** A call of an operator, in an encoding, damaged. */
    byte[] operator(Encoding encoding) {
        return damage.to(encoding.write(operatorCall()), encoding);
    }

    /** What an agent says, damaged. */
    byte[] agent() {
        return damage.to(said().toByteArray(), Encoding.PROTOBUF);
    }

    private Message call() {
        Call.Builder call = Call.newBuilder().setFrameworkId(framework);
        Protos.TaskID task = Protos.TaskID.newBuilder().setValue("t" + random.nextInt(5)).build();
        switch (random.nextInt(9)) {
            case 0 ->
                    call.setType(Call.Type.ACCEPT)
                            .setAccept(
                                    Call.Accept.newBuilder()
                                            .addOfferIds(offer.getId())
                                            .addOperations(launch(task)));
            case 1 ->
                    call.setType(Call.Type.DECLINE)
                            .setDecline(
                                    Call.Decline.newBuilder()
                                            .addOfferIds(offer.getId())
                                            .setFilters(
                                                    Protos.Filters.newBuilder()
                                                            .setRefuseSeconds(0)));
            case 2 -> call.setType(Call.Type.KILL).setKill(Call.Kill.newBuilder().setTaskId(task));
            case 3 ->
                    call.setType(Call.Type.ACKNOWLEDGE)
                            .setAcknowledge(
                                    Call.Acknowledge.newBuilder()
                                            .setAgentId(offer.getAgentId())
                                            .setTaskId(task)
                                            .setUuid(ByteString.copyFrom(new byte[16])));
            case 4 ->
                    call.setType(Call.Type.RECONCILE)
                            .setReconcile(
                                    Call.Reconcile.newBuilder()
                                            .addTasks(
                                                    Call.Reconcile.Task.newBuilder()
                                                            .setTaskId(task)));
            case 5 -> call.setType(Call.Type.REVIVE);
            case 6 ->
                    call.setType(Call.Type.UPDATE_FRAMEWORK)
                            .setUpdateFramework(
                                    Call.UpdateFramework.newBuilder()
                                            .setFrameworkInfo(V1.info().setId(framework)));
            case 7 ->
                    call.setType(Call.Type.MESSAGE)
                            .setMessage(
                                    Call.Message.newBuilder()
                                            .setAgentId(offer.getAgentId())
                                            .setExecutorId(
                                                    Protos.ExecutorID.newBuilder().setValue("e"))
                                            .setData(ByteString.copyFromUtf8("data")));
            default -> {
                return V1.subscribe(V1.info().setName("f" + random.nextInt())).build();
            }
        }
        return call.build();
    }

    private Offer.Operation launch(Protos.TaskID task) {
        return Offer.Operation.newBuilder()
                .setType(Offer.Operation.Type.LAUNCH)
                .setLaunch(
                        Offer.Operation.Launch.newBuilder()
                                .addTaskInfos(
                                        TaskInfo.newBuilder()
                                                .setName("t")
                                                .setTaskId(task)
                                                .setAgentId(offer.getAgentId())
                                                .setCommand(
                                                        Protos.CommandInfo.newBuilder()
                                                                .setValue("true"))
                                                .addResources(V1.scalar("cpus", 0.01))
                                                .addResources(V1.scalar("mem", 1))))
                .build();
    }

    private Message operatorCall() {
        var types = dev.berth.protocol.v1.master.Protos.Call.Type.values();
        var type = types[random.nextInt(types.length)];
        var call = dev.berth.protocol.v1.master.Protos.Call.newBuilder().setType(type);
        var field = Samples.field(dev.berth.protocol.v1.master.Protos.Call.getDescriptor(), type);
        if (field != null) {
            call.setField(field, Samples.required(call.newBuilderForField(field)));
        }
        return call.build();
    }

    private FromAgent said() {
        return switch (random.nextInt(4)) {
            case 0 -> V1.register();
            case 1 ->
                    FromAgent.newBuilder()
                            .setStatusUpdate(
                                    Link.StatusUpdate.newBuilder()
                                            .setFrameworkId(framework)
                                            .setStatus(
                                                    Protos.TaskStatus.newBuilder()
                                                            .setTaskId(
                                                                    Protos.TaskID.newBuilder()
                                                                            .setValue("t1"))
                                                            .setState(
                                                                    Protos.TaskState.TASK_RUNNING)))
                            .build();
            case 2 ->
                    FromAgent.newBuilder()
                            .setResourcesChanged(
                                    Link.ResourcesChanged.newBuilder()
                                            .addResources(V1.scalar("cpus", random.nextInt(9))))
                            .build();
            default ->
                    FromAgent.newBuilder()
                            .setFrameworkMessage(
                                    Link.FrameworkMessage.newBuilder()
                                            .setFrameworkId(framework)
                                            .setAgentId(offer.getAgentId())
                                            .setExecutorId(
                                                    Protos.ExecutorID.newBuilder().setValue("e"))
                                            .setData(ByteString.EMPTY))
                            .build();
        };
    }
}
