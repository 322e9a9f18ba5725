package dev.berth.master.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;

import dev.berth.protocol.link.Link.FromMaster.MessageCase;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.ContainerInfo;
import dev.berth.protocol.v1.Protos.ExecutorInfo;
import dev.berth.protocol.v1.Protos.FrameworkInfo.Capability;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.TaskStatus.Reason;
import dev.berth.protocol.v1.Protos.Value;
import dev.berth.protocol.v1.scheduler.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import org.junit.jupiter.api.Test;

import java.util.List;

/** Offers, what may be launched on them, and a task's way from launch to its end. */
class LaunchTest {
    private final World world = new World();

    @Test
    void taskGoesFromOfferToItsAcknowledgedEnd() {
        World.Wire wire = world.agent("h");
        World.Stream stream =
                world.subscribe(
                        World.framework("a", Capability.Type.MULTI_ROLE).addRoles("r").build());
        Offer offer = stream.offers().getFirst();
        assertThat(offer.getHostname()).isEqualTo("h");
        assertThat(offer.getUrl().getPath()).isEqualTo("/slave(1)");
        assertThat(offer.getUrl().getAddress().getIp()).isEqualTo("10.0.0.1");
        assertThat(offer.getResourcesList())
                .allMatch(r -> r.getAllocationInfo().getRole().equals("r"));
        assertThat(world.accept(stream, offer, World.task("t", offer)).status()).isEqualTo(202);
        var launch = wire.of(MessageCase.LAUNCH).getFirst().getLaunch();
        assertThat(launch.getFrameworkInfo().getId()).isEqualTo(World.id(stream));
        assertThat(launch.getTasks(0).getResourcesList())
                .allMatch(r -> r.getAllocationInfo().getRole().equals("r"));
        ByteString running = world.update(wire, World.id(stream), "t", TaskState.TASK_RUNNING);
        assertThat(stream.lastUpdate().getState()).isEqualTo(TaskState.TASK_RUNNING);
        assertThat(stream.lastUpdate().getAgentId()).isEqualTo(offer.getAgentId());
        world.acknowledge(stream, wire, "t", running);
        ByteString finished = world.update(wire, World.id(stream), "t", TaskState.TASK_FINISHED);
        assertThat(world.core.cluster().frameworks().iterator().next().live()).hasSize(1);
        world.acknowledge(stream, wire, "t", finished);
        var framework = world.core.cluster().frameworks().iterator().next();
        assertThat(framework.live()).isEmpty();
        assertThat(framework.completed()).hasSize(1);
        assertThat(wire.of(MessageCase.ACKNOWLEDGE)).hasSize(2);
        Invariants.check(world);
    }

    @Test
    void frameworkOfOneRoleSeesNoAllocation() {
        world.agent("h");
        Offer offer = world.subscribe(World.framework("a").build()).offers().getFirst();
        assertThat(offer.hasAllocationInfo()).isFalse();
        assertThat(offer.getResourcesList()).noneMatch(Protos.Resource::hasAllocationInfo);
    }

    @Test
    void leftOverResourcesAreOfferedAgainAfterTheFilter() {
        world.agent("h");
        World.Stream stream = world.subscribe(World.framework("a").build());
        world.accept(
                stream, stream.offers().getFirst(), World.task("t", stream.offers().getFirst()));
        assertThat(stream.offers()).hasSize(1);
        world.pass(4.9);
        assertThat(stream.offers()).hasSize(1);
        world.pass(0.2);
        assertThat(stream.offers()).hasSize(2);
        assertThat(stream.offers().getLast().getResources(0).getScalar().getValue()).isEqualTo(3);
    }

    @Test
    void invalidTasksAreErrorsAndTheOthersStart() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(World.framework("a").build());
        Offer offer = stream.offers().getFirst();
        TaskInfo good = World.task("good", offer);
        List<TaskInfo> bad =
                List.of(
                        good,
                        World.task("big", offer, World.scalar("cpus", 9)),
                        World.task("a/b", offer),
                        World.task("none", offer).toBuilder().clearResources().build(),
                        World.task("text", offer).toBuilder().clearCommand().build(),
                        World.task("ports", offer, World.ports(1, 2)),
                        World.task("gpus", offer, World.scalar("gpus", 0.5)),
                        World.task("disk", offer).toBuilder()
                                .putLimits("disk", Value.Scalar.newBuilder().setValue(1).build())
                                .build(),
                        World.task("low", offer).toBuilder()
                                .putLimits("cpus", Value.Scalar.newBuilder().setValue(0.5).build())
                                .build(),
                        World.task("role", offer).toBuilder()
                                .setResources(
                                        0,
                                        World.scalar("cpus", 1).toBuilder()
                                                .setAllocationInfo(
                                                        Protos.Resource.AllocationInfo.newBuilder()
                                                                .setRole("other")))
                                .build(),
                        World.task("docker", offer).toBuilder()
                                .setContainer(
                                        ContainerInfo.newBuilder()
                                                .setType(ContainerInfo.Type.DOCKER))
                                .build(),
                        World.task("elsewhere", offer).toBuilder()
                                .setAgentId(Protos.AgentID.newBuilder().setValue("x"))
                                .build());
        assertThat(
                        world.call(
                                        stream,
                                        Call.newBuilder()
                                                .setType(Call.Type.ACCEPT)
                                                .setAccept(
                                                        Call.Accept.newBuilder()
                                                                .addOfferIds(offer.getId())
                                                                .addOperations(World.launch(good))
                                                                .addOperations(
                                                                        World.launch(
                                                                                bad.toArray(
                                                                                        new TaskInfo
                                                                                                [0])))))
                                .status())
                .isEqualTo(202);
        assertThat(wire.of(MessageCase.LAUNCH)).hasSize(1);
        assertThat(stream.updates()).hasSize(bad.size());
        for (TaskStatus status : stream.updates()) {
            assertThat(status.getState()).isEqualTo(TaskState.TASK_ERROR);
            assertThat(status.getReason()).isEqualTo(Reason.REASON_TASK_INVALID);
            assertThat(status.hasUuid()).isFalse();
        }
        Invariants.check(world);
    }

    @Test
    void invalidOffersLoseTasksAndDiscardTheValidOnes() {
        World.Wire one = world.agent("one");
        world.agent("two");
        World.Stream aware =
                world.subscribe(World.framework("a", Capability.Type.PARTITION_AWARE).build());
        Offer first = aware.offers().get(0);
        Offer second = aware.offers().get(1);
        world.call(
                aware,
                Call.newBuilder()
                        .setType(Call.Type.ACCEPT)
                        .setAccept(
                                Call.Accept.newBuilder()
                                        .addOfferIds(first.getId())
                                        .addOfferIds(second.getId())
                                        .addOperations(World.launch(World.task("t", first)))));
        assertThat(aware.lastUpdate().getState()).isEqualTo(TaskState.TASK_DROPPED);
        assertThat(aware.lastUpdate().getReason()).isEqualTo(Reason.REASON_INVALID_OFFERS);
        assertThat(aware.offers()).hasSize(4);
        assertThat(one.of(MessageCase.LAUNCH)).isEmpty();
        world.accept(aware, first, World.task("t2", first));
        assertThat(aware.lastUpdate().getMessage()).contains("no longer valid");
        Invariants.check(world);
    }

    @Test
    void withoutPartitionAwareInvalidOffersAreTaskLost() {
        world.agent("h");
        World.Stream stream = world.subscribe(World.framework("a").build());
        Offer offer = stream.offers().getFirst();
        world.call(stream, decline(offer, 0));
        world.accept(stream, offer, World.task("t", offer));
        assertThat(stream.lastUpdate().getState()).isEqualTo(TaskState.TASK_LOST);
    }

    private static Call.Builder decline(Offer offer, double seconds) {
        return Call.newBuilder()
                .setType(Call.Type.DECLINE)
                .setDecline(
                        Call.Decline.newBuilder()
                                .addOfferIds(offer.getId())
                                .setFilters(Protos.Filters.newBuilder().setRefuseSeconds(seconds)));
    }

    @Test
    void declinedOfferComesBackAfterItsFilterOrARevive() {
        world.agent("h");
        World.Stream stream = world.subscribe(World.framework("a").build());
        world.call(stream, decline(stream.offers().getFirst(), 10));
        world.pass(9);
        assertThat(stream.offers()).hasSize(1);
        world.call(stream, Call.newBuilder().setType(Call.Type.REVIVE));
        assertThat(stream.offers()).hasSize(2);
        world.call(stream, decline(stream.offers().getLast(), -1));
        world.pass(4.9);
        assertThat(stream.offers()).hasSize(2);
        world.pass(0.2);
        assertThat(stream.offers()).hasSize(3);
    }

    @Test
    void gpusAreOfferedToThoseWhoCanUseThem() {
        world.agent("h", World.scalar("cpus", 4), World.scalar("mem", 99), World.scalar("gpus", 2));
        World.Stream plain = world.subscribe(World.framework("a").build());
        assertThat(plain.offers()).isEmpty();
        World.Stream capable =
                world.subscribe(World.framework("b", Capability.Type.GPU_RESOURCES).build());
        assertThat(capable.offers()).hasSize(1);
    }

    private static Offer.Operation group(ExecutorInfo.Builder executor, TaskInfo... tasks) {
        return Offer.Operation.newBuilder()
                .setType(Offer.Operation.Type.LAUNCH_GROUP)
                .setLaunchGroup(
                        Offer.Operation.LaunchGroup.newBuilder()
                                .setExecutor(executor)
                                .setTaskGroup(
                                        Protos.TaskGroupInfo.newBuilder()
                                                .addAllTasks(List.of(tasks))))
                .build();
    }

    private static ExecutorInfo.Builder executor() {
        return ExecutorInfo.newBuilder()
                .setType(ExecutorInfo.Type.DEFAULT)
                .setExecutorId(Protos.ExecutorID.newBuilder().setValue("pod"))
                .addResources(World.scalar("cpus", 0.1))
                .addResources(World.scalar("mem", 32))
                .addResources(World.scalar("disk", 32));
    }

    private void accept(World.Stream stream, Offer offer, Offer.Operation operation) {
        world.call(
                stream,
                Call.newBuilder()
                        .setType(Call.Type.ACCEPT)
                        .setAccept(
                                Call.Accept.newBuilder()
                                        .addOfferIds(offer.getId())
                                        .addOperations(operation)
                                        .setFilters(
                                                Protos.Filters.newBuilder().setRefuseSeconds(0))));
        world.pass(1.1);
    }

    @Test
    void groupStartsWholeAndItsExecutorIsCountedOnce() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(World.framework("a").build());
        Offer offer = stream.offers().getFirst();
        accept(stream, offer, group(executor(), World.task("x", offer), World.task("y", offer)));
        assertThat(wire.of(MessageCase.LAUNCH_GROUP)).hasSize(1);
        var agent = world.core.cluster().agents().iterator().next();
        assertThat(agent.used().millis("cpus")).isEqualTo(2100);
        Offer more = stream.offers().getLast();
        assertThat(more.getExecutorIds(0).getValue()).isEqualTo("pod");
        accept(stream, more, group(executor(), World.task("z", more)));
        assertThat(agent.used().millis("cpus")).isEqualTo(3100);
        List.of("x", "y", "z")
                .forEach(id -> world.update(wire, World.id(stream), id, TaskState.TASK_STARTING));
        exited(wire, stream);
        assertThat(agent.used().millis("cpus")).isEqualTo(3000);
        assertThat(stream.of(Event.Type.FAILURE).getLast().getFailure().getStatus()).isEqualTo(9);
        Invariants.check(world);
    }

    private void exited(World.Wire wire, World.Stream stream) {
        world.core.agentSaid(
                wire,
                dev.berth.protocol.link.Link.FromAgent.newBuilder()
                        .setExecutorExited(
                                dev.berth.protocol.link.Link.ExecutorExited.newBuilder()
                                        .setFrameworkId(World.id(stream))
                                        .setExecutorId(executor().getExecutorId())
                                        .setStatus(9))
                        .build(),
                world.now);
        world.settle();
    }

    @Test
    void executorThatEndedBeforeItsNextGroupCameLivesOnWithThatGroup() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(World.framework("a").build());
        Offer offer = stream.offers().getFirst();
        accept(stream, offer, group(executor(), World.task("x", offer)));
        world.update(wire, World.id(stream), "x", TaskState.TASK_STARTING);
        world.update(wire, World.id(stream), "x", TaskState.TASK_FINISHED);
        world.pass(0);
        Offer more = stream.offers().getLast();
        accept(stream, more, group(executor(), World.task("y", more)));
        var agent = world.core.cluster().agents().iterator().next();
        assertThat(agent.used().millis("cpus")).isEqualTo(1100);
        // Said before the agent had the second group.
        exited(wire, stream);
        assertThat(agent.used().millis("cpus")).isEqualTo(1100);
        world.update(wire, World.id(stream), "y", TaskState.TASK_STARTING);
        world.update(wire, World.id(stream), "y", TaskState.TASK_FINISHED);
        exited(wire, stream);
        assertThat(agent.used().isEmpty()).isTrue();
        Invariants.check(world);
    }

    @Test
    void oneBadTaskRefusesTheWholeGroup() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(World.framework("a").build());
        Offer offer = stream.offers().getFirst();
        accept(
                stream,
                offer,
                group(
                        executor(),
                        World.task("x", offer),
                        World.task("y", offer, World.scalar("cpus", 99))));
        assertThat(wire.of(MessageCase.LAUNCH_GROUP)).isEmpty();
        assertThat(stream.updates()).hasSize(2);
        assertThat(stream.updates())
                .allMatch(s -> s.getReason() == Reason.REASON_TASK_GROUP_INVALID)
                .allMatch(s -> s.getState() == TaskState.TASK_ERROR);
        for (ExecutorInfo.Builder bad :
                List.of(
                        executor().clearType(),
                        executor().clearResources(),
                        executor().setType(ExecutorInfo.Type.CUSTOM),
                        executor().setCommand(Protos.CommandInfo.getDefaultInstance()),
                        executor()
                                .setContainer(
                                        ContainerInfo.newBuilder()
                                                .setType(ContainerInfo.Type.DOCKER)))) {
            Offer next = stream.offers().getLast();
            int before = stream.updates().size();
            accept(stream, next, group(bad, World.task("x", next)));
            assertThat(stream.updates()).hasSize(before + 1);
        }
        assertThat(wire.of(MessageCase.LAUNCH_GROUP)).isEmpty();
        Invariants.check(world);
    }

    @Test
    void operationsThatAreNotThereAre501AndTheOfferStays() {
        world.agent("h");
        World.Stream stream = world.subscribe(World.framework("a").build());
        Offer offer = stream.offers().getFirst();
        var answer =
                world.call(
                        stream,
                        Call.newBuilder()
                                .setType(Call.Type.ACCEPT)
                                .setAccept(
                                        Call.Accept.newBuilder()
                                                .addOfferIds(offer.getId())
                                                .addOperations(
                                                        Offer.Operation.newBuilder()
                                                                .setType(
                                                                        Offer.Operation.Type
                                                                                .RESERVE))));
        assertThat(answer.status()).isEqualTo(501);
        assertThat(answer.text().orElseThrow()).contains("RESERVE");
        world.accept(stream, offer, World.task("t", offer));
        assertThat(stream.updates()).isEmpty();
    }

    @Test
    void killIsPassedOnAndAnUnknownTaskIsReconciled() {
        World.Wire wire = world.agent("h");
        World.Stream stream =
                world.subscribe(World.framework("a", Capability.Type.PARTITION_AWARE).build());
        world.accept(
                stream, stream.offers().getFirst(), World.task("t", stream.offers().getFirst()));
        world.call(stream, kill("t"));
        assertThat(wire.of(MessageCase.KILL)).hasSize(1);
        world.call(stream, kill("unknown"));
        assertThat(stream.lastUpdate().getState()).isEqualTo(TaskState.TASK_UNKNOWN);
        assertThat(stream.lastUpdate().getReason()).isEqualTo(Reason.REASON_RECONCILIATION);
    }

    private static Call.Builder kill(String task) {
        return Call.newBuilder()
                .setType(Call.Type.KILL)
                .setKill(
                        Call.Kill.newBuilder()
                                .setTaskId(Protos.TaskID.newBuilder().setValue(task)));
    }

    @Test
    void messagesAndExecutorShutdownsGoToTheAgent() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(World.framework("a").build());
        var agent = Protos.AgentID.newBuilder().setValue(wire.id().value()).build();
        var executor = Protos.ExecutorID.newBuilder().setValue("e").build();
        world.call(
                stream,
                Call.newBuilder()
                        .setType(Call.Type.MESSAGE)
                        .setMessage(
                                Call.Message.newBuilder()
                                        .setAgentId(agent)
                                        .setExecutorId(executor)
                                        .setData(ByteString.copyFromUtf8("hi"))));
        world.call(
                stream,
                Call.newBuilder()
                        .setType(Call.Type.SHUTDOWN)
                        .setShutdown(
                                Call.Shutdown.newBuilder()
                                        .setAgentId(agent)
                                        .setExecutorId(executor)));
        assertThat(wire.of(MessageCase.FRAMEWORK_MESSAGE)).hasSize(1);
        assertThat(wire.of(MessageCase.SHUTDOWN_EXECUTOR)).hasSize(1);
        world.core.agentSaid(
                wire,
                dev.berth.protocol.link.Link.FromAgent.newBuilder()
                        .setFrameworkMessage(
                                wire.of(MessageCase.FRAMEWORK_MESSAGE)
                                        .getFirst()
                                        .getFrameworkMessage())
                        .build(),
                world.now);
        assertThat(stream.of(Event.Type.MESSAGE).getFirst().getMessage().getData().toStringUtf8())
                .isEqualTo("hi");
    }
}
