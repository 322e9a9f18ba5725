package dev.berth.master.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;

import dev.berth.master.cluster.AgentRecord;
import dev.berth.master.cluster.AgentRecord.Standing;
import dev.berth.master.cluster.Registry;
import dev.berth.master.ids.AgentId;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.link.Link.FromMaster.MessageCase;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.FrameworkInfo.Capability;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus.Reason;
import dev.berth.protocol.v1.master.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Optional;

/** Agents: admission, silence and return, fail-over of the master, and every way out. */
class AgentTest {
    private final World world = new World();
    private static final FrameworkInfo AWARE =
            World.framework("a", Capability.Type.PARTITION_AWARE).build();

    private Protos.Task running(World.Stream stream, World.Wire wire, String id) {
        Offer offer = stream.offers().getLast();
        world.accept(stream, offer, World.task(id, offer));
        world.acknowledge(
                stream, wire, id, world.update(wire, World.id(stream), id, TaskState.TASK_RUNNING));
        return world.core
                .cluster()
                .frameworks()
                .iterator()
                .next()
                .live()
                .get(new dev.berth.master.ids.TaskId(id))
                .value();
    }

    private static Link.Register.Builder again(
            World.Wire wire, World.Stream stream, Protos.Task... tasks) {
        return World.register(
                        World.machine("h")
                                .setId(Protos.AgentID.newBuilder().setValue(wire.id().value())))
                .addFrameworks(AWARE.toBuilder().setId(World.id(stream)))
                .addAllTasks(List.of(tasks));
    }

    @Test
    void agentIsAdmittedAfterTheRegistryHasIt() {
        World.Wire wire = new World.Wire();
        world.core.agentOpened(wire, World.register(World.machine("h")).build(), world.now);
        world.core.tick(world.now);
        assertThat(wire.messages).isEmpty();
        world.settle();
        assertThat(wire.messages.getFirst().getRegistered().getAgentId().getValue())
                .isEqualTo("M-S0");
        assertThat(wire.messages.getFirst().getRegistered().getSilenceMs()).isEqualTo(15_000);
        assertThat(world.shelf.agents.get(wire.id()).standing()).isEqualTo(Standing.ADMITTED);
        world.beat(wire);
        world.pass(5);
        assertThat(wire.of(MessageCase.HEARTBEAT)).hasSize(1);
    }

    @Test
    void agentThatWentAwayBeforeItsFirstAdmissionLeavesNothingInTheRegistry() {
        World.Wire wire = new World.Wire();
        world.core.agentOpened(wire, World.register(World.machine("h")).build(), world.now);
        world.core.agentClosed(wire, world.now);
        world.settle();
        assertThat(world.shelf.agents).isEmpty();
        assertThat(world.core.cluster().agents()).isEmpty();
    }

    @Test
    void copyOfAnAgentElsewhereDoesNotTakeItsPlace() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        running(stream, wire, "t");
        World.Wire copy = new World.Wire();
        copy.address = "10.0.0.2";
        world.core.agentOpened(copy, again(wire, stream).build(), world.now);
        world.settle();
        assertThat(copy.messages.getFirst().getRefused().getMessage()).contains("copy of its data");
        assertThat(copy.messages.getFirst().getRefused().getRetry()).isTrue();
        assertThat(wire.closed).isFalse();
        assertThat(stream.lastUpdate().getState()).isEqualTo(TaskState.TASK_RUNNING);
        // It has really moved: taken once the old connection is gone.
        world.close(wire);
        World.Wire moved = new World.Wire();
        moved.address = "10.0.0.2";
        world.core.agentOpened(moved, again(wire, stream).build(), world.now);
        world.settle();
        assertThat(moved.id()).isEqualTo(wire.id());
    }

    @Test
    void whoIsAwayForTwoWeeksIsForgotten() {
        World.Wire wire = world.agent("h");
        world.close(wire);
        world.pass(20);
        assertThat(world.shelf.agents.get(wire.id()).standing()).isEqualTo(Standing.UNREACHABLE);
        world.pass(13 * 86_400);
        assertThat(world.core.cluster().unreachable()).hasSize(1);
        world.pass(2 * 86_400);
        assertThat(world.core.cluster().unreachable()).isEmpty();
        assertThat(world.shelf.agents).isEmpty();
        // Its data survived: it is welcome.
        World.Wire back =
                world.open(
                        World.register(
                                World.machine("h")
                                        .setId(
                                                Protos.AgentID.newBuilder()
                                                        .setValue(wire.id().value()))));
        assertThat(back.id()).isEqualTo(wire.id());
    }

    @Test
    void ofTooManyTheOldestAreForgotten() {
        World.Shelf shelf = new World.Shelf();
        for (int i = 0; i < 10_003; i++) {
            AgentId id = new AgentId("S" + i);
            shelf.agents.put(
                    id,
                    new AgentRecord(id, Standing.GONE, "h", World.START - 20_000 + i, new byte[0]));
        }
        World full = new World(shelf, "N", World.START).settle();
        assertThat(full.core.cluster().gone()).hasSize(10_000);
        assertThat(shelf.agents)
                .hasSize(10_000)
                .doesNotContainKeys(new AgentId("S0"), new AgentId("S1"), new AgentId("S2"));
    }

    @Test
    void agentThatNoStoreCouldHoldIsRefused() {
        World.Wire wire =
                world.open(
                        World.register(
                                World.machine("h")
                                        .addAttributes(
                                                Protos.Attribute.newBuilder()
                                                        .setName("a".repeat(300_000))
                                                        .setType(Protos.Value.Type.TEXT)
                                                        .setText(
                                                                Protos.Value.Text.newBuilder()
                                                                        .setValue("x")))));
        assertThat(wire.messages.getFirst().getRefused().getMessage()).contains("bytes");
        assertThat(world.shelf.agents).isEmpty();
    }

    @Test
    void agentThatIsRefusedItsEndIsLookedAfterStill() {
        World.Wire wire = world.agent("h");
        world.shelf.failure = Optional.of(Registry.Result.failed("disk full"));
        Call.Builder call = Call.newBuilder().setType(Call.Type.MARK_AGENT_GONE);
        call.getMarkAgentGoneBuilder().getAgentIdBuilder().setValue(wire.id().value());
        List<Integer> statuses = new java.util.ArrayList<>();
        world.core.operator(call.build(), answer -> statuses.add(answer.status()), world.now);
        // While the registry thinks about it, a heartbeat comes due.
        world.now += 6_000_000_000L;
        world.core.tick(world.now);
        world.settle();
        assertThat(statuses).containsExactly(503);
        world.beat(wire);
        world.pass(5);
        assertThat(wire.of(MessageCase.HEARTBEAT)).isNotEmpty();
    }

    @Test
    void agentIsRefusedWithTheReason() {
        World.Wire old = world.open(World.register(World.machine("h")).setProtocol(2));
        assertThat(old.messages.getFirst().getRefused().getRetry()).isFalse();
        assertThat(old.messages.getFirst().getRefused().getMessage()).contains("protocol 2");
        World.Wire half = world.agent("h", World.scalar("gpus", 0.5));
        assertThat(half.messages.getFirst().getRefused().getMessage()).contains("gpus");
        world.shelf.failure = Optional.of(Registry.Result.failed("disk full"));
        World.Wire unlucky = world.agent("h");
        assertThat(unlucky.messages.getFirst().getRefused().getRetry()).isTrue();
        assertThat(unlucky.closed).isTrue();
    }

    @Test
    void silentAgentIsUnreachableAndItsTasksComeBackWithIt() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        Protos.Task task = running(stream, wire, "t");
        world.pass(14);
        assertThat(stream.lastUpdate().getState()).isEqualTo(TaskState.TASK_RUNNING);
        world.pass(1.1);
        assertThat(wire.closed).isTrue();
        assertThat(stream.lastUpdate().getState()).isEqualTo(TaskState.TASK_UNREACHABLE);
        assertThat(stream.lastUpdate().getReason()).isEqualTo(Reason.REASON_AGENT_REMOVED);
        assertThat(stream.lastUpdate().hasUnreachableTime()).isTrue();
        assertThat(stream.of(Event.Type.FAILURE)).hasSize(1);
        assertThat(world.shelf.agents.get(wire.id()).standing()).isEqualTo(Standing.UNREACHABLE);
        Invariants.check(world);
        World.Wire back = world.open(again(wire, stream, task));
        assertThat(back.id()).isEqualTo(wire.id());
        assertThat(stream.lastUpdate().getState()).isEqualTo(TaskState.TASK_RUNNING);
        assertThat(stream.lastUpdate().getReason()).isEqualTo(Reason.REASON_AGENT_REREGISTERED);
        Invariants.check(world);
    }

    @Test
    void brokenConnectionRescindsOffersAndKeepsTasks() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        Protos.Task task = running(stream, wire, "t");
        world.pass(5.1);
        int offers = stream.offers().size();
        world.close(wire);
        assertThat(stream.of(Event.Type.RESCIND)).hasSize(1);
        int updates = stream.updates().size();
        World.Wire back = world.open(again(wire, stream, task));
        assertThat(stream.updates()).hasSize(updates);
        assertThat(stream.offers()).hasSize(offers + 1);
        assertThat(back.of(MessageCase.REGISTERED)).hasSize(1);
        Invariants.check(world);
    }

    @Test
    void taskThatTheAgentNeverGotIsDroppedAndOrdersAreRepeated() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        Protos.Task task = running(stream, wire, "t");
        world.pass(5.1);
        world.accept(
                stream, stream.offers().getLast(), World.task("lost", stream.offers().getLast()));
        world.close(wire);
        world.call(
                stream,
                dev.berth.protocol.v1.scheduler.Protos.Call.newBuilder()
                        .setType(dev.berth.protocol.v1.scheduler.Protos.Call.Type.KILL)
                        .setKill(
                                dev.berth.protocol.v1.scheduler.Protos.Call.Kill.newBuilder()
                                        .setTaskId(task.getTaskId())));
        World.Wire back = world.open(again(wire, stream, task));
        assertThat(stream.lastUpdate().getState()).isEqualTo(TaskState.TASK_DROPPED);
        assertThat(stream.lastUpdate().getTaskId().getValue()).isEqualTo("lost");
        assertThat(back.of(MessageCase.KILL)).hasSize(1);
        Invariants.check(world);
    }

    @Test
    void nextMasterLearnsEverythingFromAgents() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        Protos.Task task = running(stream, wire, "t");
        World next = world.next("N");
        assertThat(next.ask(Call.Type.GET_AGENTS).getGetAgents().getRecoveredAgentsList())
                .hasSize(1);
        World.Stream again = next.subscribe(AWARE.toBuilder().setId(World.id(stream)).build());
        var reconcile =
                dev.berth.protocol.v1.scheduler.Protos.Call.newBuilder()
                        .setType(dev.berth.protocol.v1.scheduler.Protos.Call.Type.RECONCILE)
                        .setReconcile(
                                dev.berth.protocol.v1.scheduler.Protos.Call.Reconcile.newBuilder()
                                        .addTasks(
                                                dev.berth.protocol.v1.scheduler.Protos.Call
                                                        .Reconcile.Task.newBuilder()
                                                        .setTaskId(task.getTaskId())
                                                        .setAgentId(task.getAgentId())));
        next.call(again, reconcile);
        assertThat(again.updates()).as("the agent may still come").isEmpty();
        World.Wire back = next.open(again(wire, stream, task));
        assertThat(back.id()).isEqualTo(wire.id());
        next.call(again, reconcile);
        assertThat(again.lastUpdate().getState()).isEqualTo(TaskState.TASK_RUNNING);
        assertThat(again.offers().getFirst().getResources(0).getScalar().getValue()).isEqualTo(3);
        Invariants.check(next);
    }

    @Test
    void frameworkThatIsNotBackIsKeptAsRecovered() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        Protos.Task task = running(stream, wire, "t");
        World next = world.next("N");
        World.Wire back = next.open(again(wire, stream, task));
        var framework = next.ask(Call.Type.GET_FRAMEWORKS).getGetFrameworks().getFrameworks(0);
        assertThat(framework.getRecovered()).isTrue();
        assertThat(framework.getConnected()).isFalse();
        ByteString uuid = next.update(back, World.id(stream), "t", TaskState.TASK_FINISHED);
        World.Stream again = next.subscribe(AWARE.toBuilder().setId(World.id(stream)).build());
        assertThat(back.of(MessageCase.UPDATE_FRAMEWORK)).hasSize(1);
        next.acknowledge(again, back, "t", uuid);
        assertThat(next.core.cluster().frameworks().iterator().next().completed()).hasSize(1);
        Invariants.check(next);
    }

    @Test
    void agentsThatDoNotComeAfterAMasterChangeAreUnreachable() {
        World.Wire wire = world.agent("h");
        World next = world.next("N");
        next.pass(599);
        assertThat(next.core.cluster().recovered()).hasSize(1);
        next.pass(2);
        assertThat(next.core.cluster().unreachable()).containsKey(wire.id());
        assertThat(next.shelf.agents.get(wire.id()).standing()).isEqualTo(Standing.UNREACHABLE);
    }

    @Test
    void goneAgentIsShutDownAndNeverComesBack() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        Protos.Task task = running(stream, wire, "t");
        Call.Builder mark =
                Call.newBuilder()
                        .setType(Call.Type.MARK_AGENT_GONE)
                        .setMarkAgentGone(
                                Call.MarkAgentGone.newBuilder().setAgentId(task.getAgentId()));
        assertThat(world.operator(mark).status()).isEqualTo(200);
        assertThat(stream.lastUpdate().getState()).isEqualTo(TaskState.TASK_GONE_BY_OPERATOR);
        assertThat(wire.of(MessageCase.SHUTDOWN)).hasSize(1);
        assertThat(wire.closed).isTrue();
        assertThat(world.operator(mark).status()).isEqualTo(200);
        World.Wire back = world.open(again(wire, stream, task));
        assertThat(back.messages).hasSize(1);
        assertThat(back.of(MessageCase.SHUTDOWN)).hasSize(1);
        assertThat(back.closed).isTrue();
        mark.getMarkAgentGoneBuilder().setAgentId(Protos.AgentID.newBuilder().setValue("x"));
        assertThat(world.operator(mark).status()).isEqualTo(404);
        Invariants.check(world);
    }

    @Test
    void leavingAgentIsForgotten() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(World.framework("a").build());
        world.core.agentSaid(
                wire,
                Link.FromAgent.newBuilder().setLeaving(Link.Leaving.getDefaultInstance()).build(),
                world.now);
        world.settle();
        assertThat(world.shelf.agents).isEmpty();
        assertThat(wire.closed).isTrue();
        assertThat(stream.of(Event.Type.FAILURE)).hasSize(1);
        assertThat(stream.of(Event.Type.RESCIND)).hasSize(1);
    }

    @Test
    void agentThatLostItsDataReplacesItsFormerSelf() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        running(stream, wire, "t");
        world.close(wire);
        World.Wire fresh = world.agent("h");
        assertThat(fresh.id()).isNotEqualTo(wire.id());
        assertThat(stream.lastUpdate().getState()).isEqualTo(TaskState.TASK_GONE);
        assertThat(world.core.cluster().agents()).hasSize(1);
        Invariants.check(world);
    }

    @Test
    void changedResourcesRescindAndAreOfferedAnew() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        world.core.agentSaid(
                wire,
                Link.FromAgent.newBuilder()
                        .setResourcesChanged(
                                Link.ResourcesChanged.newBuilder()
                                        .addResources(World.scalar("cpus", 8)))
                        .build(),
                world.now);
        world.settle();
        assertThat(stream.of(Event.Type.RESCIND)).hasSize(1);
        assertThat(stream.offers().getLast().getResourcesList()).hasSize(1);
        assertThat(stream.offers().getLast().getResources(0).getScalar().getValue()).isEqualTo(8);
    }

    @Test
    void changedAttributesAreSeenByWhoRefusedTheAgentBefore() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        world.call(
                stream,
                dev.berth.protocol.v1.scheduler.Protos.Call.newBuilder()
                        .setType(dev.berth.protocol.v1.scheduler.Protos.Call.Type.DECLINE)
                        .setDecline(
                                dev.berth.protocol.v1.scheduler.Protos.Call.Decline.newBuilder()
                                        .addOfferIds(stream.offers().getFirst().getId())
                                        .setFilters(
                                                Protos.Filters.newBuilder()
                                                        .setRefuseSeconds(1e9))));
        Link.ResourcesChanged.Builder same =
                Link.ResourcesChanged.newBuilder()
                        .addAllResources(World.machine("h").getResourcesList());
        var told = Link.FromAgent.newBuilder().setResourcesChanged(same);
        world.core.agentSaid(wire, told.build(), world.now);
        world.settle();
        assertThat(stream.offers()).hasSize(1);
        told.getResourcesChangedBuilder()
                .addAttributesBuilder()
                .setName("model")
                .setType(Protos.Value.Type.TEXT)
                .setText(Protos.Value.Text.newBuilder().setValue("H100"));
        world.core.agentSaid(wire, told.build(), world.now);
        world.settle();
        assertThat(stream.offers()).hasSize(2);
        assertThat(stream.offers().getLast().getAttributes(0).getName()).isEqualTo("model");
        Invariants.check(world);
    }

    @Test
    void updateOfATornDownFrameworkEndsItOnTheAgent() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        running(stream, wire, "t");
        var teardown =
                Call.newBuilder()
                        .setType(Call.Type.TEARDOWN)
                        .setTeardown(Call.Teardown.newBuilder().setFrameworkId(World.id(stream)));
        assertThat(world.operator(teardown).status()).isEqualTo(200);
        assertThat(world.operator(teardown).status()).isEqualTo(400);
        world.update(wire, World.id(stream), "t", TaskState.TASK_KILLED);
        assertThat(wire.of(MessageCase.SHUTDOWN_FRAMEWORK)).hasSize(2);
    }
}
