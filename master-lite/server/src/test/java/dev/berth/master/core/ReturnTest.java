package dev.berth.master.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.master.cluster.AgentRecord.Standing;
import dev.berth.master.cluster.Answer;
import dev.berth.master.cluster.Registry;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.link.Link.FromMaster.MessageCase;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.FrameworkInfo.Capability;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.master.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Agents that come back, or go, while the registry has not answered yet, and with other tasks than the master knows. */
class ReturnTest {
    private static final FrameworkInfo AWARE =
            World.framework("a", Capability.Type.PARTITION_AWARE).build();
    private final World world = new World();

    private static Protos.AgentID id(World.Wire wire) {
        return Protos.AgentID.newBuilder().setValue(wire.id().value()).build();
    }

    private static Link.Register.Builder again(World.Wire wire, Protos.Task... tasks) {
        return World.register(World.machine("h").setId(id(wire))).addAllTasks(List.of(tasks));
    }

    /** The registry holds its answers back. */
    private World.Wire openHeld(Link.Register.Builder register) {
        World.Wire wire = new World.Wire();
        world.core.agentOpened(wire, register.build(), world.now);
        world.core.tick(world.now);
        return wire;
    }

    private Protos.Task task(World.Stream stream, World.Wire wire, String id, TaskState... states) {
        Offer offer =
                stream.offers().reversed().stream()
                        .filter(o -> o.getAgentId().equals(id(wire)))
                        .findFirst()
                        .orElseThrow();
        world.accept(stream, offer, World.task(id, offer));
        for (TaskState state : states) {
            world.acknowledge(stream, wire, id, world.update(wire, World.id(stream), id, state));
        }
        world.pass(6);
        return world.core
                .cluster()
                .framework(dev.berth.master.cluster.Wire.frameworkId(World.id(stream)))
                .orElseThrow()
                .live()
                .get(new dev.berth.master.ids.TaskId(id))
                .value();
    }

    private static Call.Builder gone(Protos.AgentID id) {
        return Call.newBuilder()
                .setType(Call.Type.MARK_AGENT_GONE)
                .setMarkAgentGone(Call.MarkAgentGone.newBuilder().setAgentId(id));
    }

    private List<Answer> goneHeld(Protos.AgentID id) {
        List<Answer> answers = new ArrayList<>();
        world.core.operator(gone(id).build(), answers::add, world.now);
        return answers;
    }

    private void silentHeld() {
        world.now += 16_000_000_000L;
        world.core.tick(world.now);
    }

    private static void refusedForNow(World.Wire wire) {
        assertThat(wire.messages.getFirst().getRefused().getRetry()).isTrue();
        assertThat(wire.closed).isTrue();
    }

    @Test
    void beatingAgentIsNotSilent() {
        World.Wire wire = world.agent("h");
        for (int i = 0; i < 6; i++) {
            world.beat(wire);
            world.pass(10);
        }
        assertThat(wire.closed).isFalse();
        assertThat(wire.of(MessageCase.HEARTBEAT)).hasSizeGreaterThan(5);
    }

    @Test
    void newerConnectionOfAnAgentThatWaitsForTheRegistryCounts() {
        Link.Register.Builder register =
                World.register(
                        World.machine("h").setId(Protos.AgentID.newBuilder().setValue("mine")));
        World.Wire first = openHeld(register);
        World.Wire second = openHeld(register);
        world.settle();
        assertThat(first.closed).isTrue();
        assertThat(first.of(MessageCase.REGISTERED)).isEmpty();
        assertThat(second.of(MessageCase.REGISTERED)).hasSize(1);
    }

    @Test
    void agentThatComesWhileItIsBeingMarkedIsToTryAgain() {
        World.Wire wire = world.agent("h");
        silentHeld();
        assertThat(world.shelf.waiting).hasSize(1);
        // It is looked at again and again, and written once.
        world.core.tick(world.now + 1_000_000_000L);
        assertThat(world.shelf.waiting).hasSize(1);
        refusedForNow(openHeld(again(wire)));
        assertThat(goneHeld(id(wire)).getFirst().status()).isEqualTo(503);
        world.settle();
        assertThat(world.core.cluster().unreachable()).containsKey(wire.id());
        World.Wire back = world.open(again(wire));
        assertThat(back.of(MessageCase.REGISTERED)).hasSize(1);
        assertThat(world.shelf.agents.get(wire.id()).standing()).isEqualTo(Standing.ADMITTED);
    }

    @Test
    void agentThatIsMarkedGoneWhileTheRegistryAdmitsItIsNotAdmitted() {
        World.Wire wire = world.agent("h");
        world.pass(16);
        World.Wire back = openHeld(again(wire));
        List<Answer> answers = goneHeld(id(wire));
        world.settle();
        refusedForNow(back);
        assertThat(answers).containsExactly(Answer.OK);
        assertThat(world.core.cluster().gone()).containsKey(wire.id());
        assertThat(world.shelf.agents.get(wire.id()).standing()).isEqualTo(Standing.GONE);
        assertThat(world.open(again(wire)).of(MessageCase.SHUTDOWN)).hasSize(1);
    }

    @Test
    void lateAgentThatComesWhileItIsBeingMarkedIsToTryAgain() {
        World.Wire wire = world.agent("h");
        World next = world.next("N");
        next.now += 601_000_000_000L;
        next.core.tick(next.now);
        next.core.tick(next.now + 100_000_000L);
        assertThat(next.shelf.waiting).hasSize(1);
        World.Wire back = new World.Wire();
        next.core.agentOpened(back, again(wire).build(), next.now);
        refusedForNow(back);
        next.settle();
        assertThat(next.core.cluster().unreachable()).containsKey(wire.id());
    }

    @Test
    void agentStaysWhenTheRegistryCannotBeToldThatItIsAway() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        task(stream, wire, "t", TaskState.TASK_RUNNING);
        int told = stream.updates().size();
        world.shelf.failure = Optional.of(Registry.Result.failed("full"));
        world.pass(16);
        assertThat(world.core.cluster().agents()).hasSize(1);
        assertThat(stream.updates()).hasSize(told);
        // Not at once again, but when it was silent for as long once more.
        world.core.tick(world.now + 1_000_000_000L);
        assertThat(world.shelf.waiting).isEmpty();
        world.shelf.failure = Optional.empty();
        world.pass(16);
        assertThat(stream.lastUpdate().getState()).isEqualTo(TaskState.TASK_UNREACHABLE);
        Invariants.check(world);
    }

    @Test
    void agentIsOfferedAgainWhenTheRegistryCannotBeToldThatItIsGone() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        world.shelf.failure = Optional.of(Registry.Result.failed("full"));
        assertThat(world.operator(gone(id(wire))).status()).isEqualTo(503);
        assertThat(stream.of(Event.Type.RESCIND)).hasSize(1);
        assertThat(stream.offers()).hasSize(2);
        Invariants.check(world);
    }

    @Test
    void unreachableAgentCanBeMarkedGone() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        task(stream, wire, "t", TaskState.TASK_RUNNING);
        world.pass(16);
        assertThat(world.operator(gone(id(wire)))).isEqualTo(Answer.OK);
        assertThat(world.core.cluster().unreachable()).isEmpty();
        assertThat(world.core.cluster().gone()).containsKey(wire.id());
        assertThat(stream.lastUpdate().getState()).isEqualTo(TaskState.TASK_GONE_BY_OPERATOR);
    }

    @Test
    void agentThatLeavesTwiceIsRemovedOnce() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        Link.FromAgent leaving =
                Link.FromAgent.newBuilder().setLeaving(Link.Leaving.getDefaultInstance()).build();
        world.core.agentSaid(wire, leaving, world.now);
        world.core.agentSaid(wire, leaving, world.now);
        assertThat(world.shelf.waiting).hasSize(1);
        world.settle();
        assertThat(stream.of(Event.Type.FAILURE)).hasSize(1);
    }

    @Test
    void onlyAnAgentOfTheSameAddressAndPortIsReplaced() {
        World.Wire wire = world.agent("h");
        world.close(wire);
        World.Wire elsewhere = new World.Wire();
        elsewhere.address = "10.0.0.2";
        world.core.agentOpened(elsewhere, World.register(World.machine("h")).build(), world.now);
        world.settle();
        world.open(World.register(World.machine("h").setPort(5052)));
        assertThat(world.core.cluster().agents()).hasSize(3);
        world.agent("h");
        assertThat(world.core.cluster().agents()).hasSize(3);
        assertThat(world.core.cluster().agent(wire.id())).isEmpty();
    }

    @Test
    void changeThatCannotBeReadEndsTheLink() {
        World.Wire wire = world.agent("h");
        world.core.agentSaid(
                wire,
                Link.FromAgent.newBuilder()
                        .setResourcesChanged(
                                Link.ResourcesChanged.newBuilder()
                                        .addResources(World.scalar("cpus", -1)))
                        .build(),
                world.now);
        assertThat(wire.closed).isTrue();
    }

    @Test
    void taskThatEndedMeanwhileIsNeitherKilledNorToldAsBack() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        Protos.Task task = task(stream, wire, "t", TaskState.TASK_RUNNING);
        Protos.Task ended = task.toBuilder().setState(TaskState.TASK_FINISHED).build();
        world.call(
                stream,
                dev.berth.protocol.v1.scheduler.Protos.Call.newBuilder()
                        .setType(dev.berth.protocol.v1.scheduler.Protos.Call.Type.KILL)
                        .setKill(
                                dev.berth.protocol.v1.scheduler.Protos.Call.Kill.newBuilder()
                                        .setTaskId(task.getTaskId())));
        world.close(wire);
        World.Wire back = world.open(again(wire, ended));
        assertThat(back.of(MessageCase.KILL)).isEmpty();
        world.pass(16);
        int told = stream.updates().size();
        world.open(again(wire, ended));
        assertThat(stream.updates()).hasSize(told);
        Invariants.check(world);
    }

    @Test
    void endThatTheAgentHasForgottenIsNotTurnedIntoALoss() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        task(stream, wire, "t", TaskState.TASK_RUNNING);
        world.update(wire, World.id(stream), "t", TaskState.TASK_FINISHED);
        world.close(wire);
        world.open(again(wire));
        assertThat(stream.lastUpdate().getState()).isEqualTo(TaskState.TASK_FINISHED);
        Invariants.check(world);
    }

    @Test
    void whoseNameIsTakenByNowIsEnded() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        Protos.Task task = task(stream, wire, "t", TaskState.TASK_RUNNING);
        world.pass(16);
        // A master that does not know it lets the name be used again.
        World next = world.next("N");
        FrameworkInfo info = AWARE.toBuilder().setId(World.id(stream)).build();
        World.Stream again = next.subscribe(info);
        World.Wire other = next.agent("h2");
        Offer offer = again.offers().getFirst();
        next.accept(again, offer, World.task("t", offer));
        World.Wire back = next.open(again(wire, task).addFrameworks(info));
        assertThat(back.of(MessageCase.KILL)).hasSize(1);
        assertThat(other.of(MessageCase.KILL)).isEmpty();
        var framework = next.core.cluster().frameworks().iterator().next();
        assertThat(framework.live().values()).hasSize(1);
        assertThat(framework.live().values().iterator().next().agent()).isEqualTo(other.id());
        Invariants.check(next);
    }

    @Test
    void onlyTheTasksOfTheAgentThatIsBackWithoutThemAreGone() {
        World.Stream stream = world.subscribe(AWARE);
        World.Wire one = world.agent("h");
        task(stream, one, "t1", TaskState.TASK_RUNNING);
        world.beat(one);
        World.Wire two = world.agent("h2");
        task(stream, two, "t2", TaskState.TASK_RUNNING);
        world.pass(20);
        var framework = world.core.cluster().frameworks().iterator().next();
        assertThat(framework.unreachable()).hasSize(2);
        world.open(again(one));
        assertThat(framework.unreachable()).hasSize(1);
        assertThat(stream.lastUpdate().getState()).isEqualTo(TaskState.TASK_GONE);
        assertThat(stream.lastUpdate().getTaskId().getValue()).isEqualTo("t1");
    }

    @Test
    void executorThatIsNotReportedIsOver() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        Offer offer = stream.offers().getFirst();
        Offer.Operation.Builder group = Offer.Operation.newBuilder();
        group.setType(Offer.Operation.Type.LAUNCH_GROUP)
                .getLaunchGroupBuilder()
                .setTaskGroup(Protos.TaskGroupInfo.newBuilder().addTasks(World.task("t", offer)))
                .getExecutorBuilder()
                .setType(Protos.ExecutorInfo.Type.DEFAULT)
                .setExecutorId(Protos.ExecutorID.newBuilder().setValue("pod"))
                .addResources(World.scalar("cpus", 0.1))
                .addResources(World.scalar("mem", 32))
                .addResources(World.scalar("disk", 32));
        world.call(
                stream,
                dev.berth.protocol.v1.scheduler.Protos.Call.newBuilder()
                        .setType(dev.berth.protocol.v1.scheduler.Protos.Call.Type.ACCEPT)
                        .setAccept(
                                dev.berth.protocol.v1.scheduler.Protos.Call.Accept.newBuilder()
                                        .addOfferIds(offer.getId())
                                        .addOperations(group)));
        assertThat(world.core.cluster().agents().iterator().next().executors()).hasSize(1);
        world.close(wire);
        world.open(again(wire));
        assertThat(world.core.cluster().agents().iterator().next().used().isEmpty()).isTrue();
        assertThat(stream.lastUpdate().getState()).isEqualTo(TaskState.TASK_DROPPED);
        Invariants.check(world);
    }

    @Test
    void frameworksAreMetByTheirIds() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(AWARE);
        FrameworkInfo known = AWARE.toBuilder().setId(World.id(stream)).build();
        world.close(wire);
        World.Wire back = world.open(again(wire).addFrameworks(known).addFrameworks(AWARE));
        assertThat(back.of(MessageCase.UPDATE_FRAMEWORK)).isEmpty();
        assertThat(world.core.cluster().frameworks()).hasSize(1);
        world.close(back);
        World.Wire third =
                world.open(again(wire).addFrameworks(known.toBuilder().setName("former")));
        assertThat(third.of(MessageCase.UPDATE_FRAMEWORK)).hasSize(1);
    }
}
