package dev.berth.master.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;

import dev.berth.master.cluster.Count;
import dev.berth.master.cluster.Framework;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.link.Link.FromMaster.MessageCase;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.FrameworkInfo.Capability;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.TaskStatus.Reason;
import dev.berth.protocol.v1.scheduler.Protos.Call;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;
import java.util.concurrent.TimeUnit;

/** What the master makes of scheduler calls that ask too much, or about what is not theirs. */
class SchedulerCallsTest {
    private static final long YEAR = TimeUnit.DAYS.toNanos(365);

    private final World world = new World();

    private World.Stream subscribe(String name) {
        return world.subscribe(World.framework(name, Capability.Type.PARTITION_AWARE).build());
    }

    private static Call.Builder accept(List<Protos.OfferID> offers, TaskInfo... tasks) {
        return Call.newBuilder()
                .setType(Call.Type.ACCEPT)
                .setAccept(
                        Call.Accept.newBuilder()
                                .addAllOfferIds(offers)
                                .addOperations(World.launch(tasks)));
    }

    private static Call.Builder decline(Offer offer, double refuseSeconds) {
        return Call.newBuilder()
                .setType(Call.Type.DECLINE)
                .setDecline(
                        Call.Decline.newBuilder()
                                .addOfferIds(offer.getId())
                                .setFilters(
                                        Protos.Filters.newBuilder()
                                                .setRefuseSeconds(refuseSeconds)));
    }

    private static Call.Builder kill(String task, Protos.AgentID agent) {
        return Call.newBuilder()
                .setType(Call.Type.KILL)
                .setKill(
                        Call.Kill.newBuilder()
                                .setTaskId(Protos.TaskID.newBuilder().setValue(task))
                                .setAgentId(agent));
    }

    private static Protos.AgentID agentId(World.Wire wire) {
        return Protos.AgentID.newBuilder().setValue(wire.id().value()).build();
    }

    private static void dropped(World.Stream stream, String why) {
        TaskStatus last = stream.lastUpdate();
        assertThat(last.getState()).isEqualTo(TaskState.TASK_DROPPED);
        assertThat(last.getReason()).isEqualTo(Reason.REASON_INVALID_OFFERS);
        assertThat(last.getMessage()).contains(why);
    }

    /** It is heard at a time, however long it was silent before. */
    private void at(long ns, World.Wire wire) {
        world.now = ns;
        world.beat(wire);
        world.settle();
    }

    @ParameterizedTest
    @ValueSource(doubles = {31_536_001, 1e10, 1e300, Double.POSITIVE_INFINITY})
    void noRefusalLastsLongerThanAYear(double seconds) {
        World.Wire wire = world.agent("h");
        World.Stream stream = subscribe("a");
        world.call(stream, decline(stream.offers().getFirst(), seconds));
        long refused = world.now;
        at(refused + YEAR - 1, wire);
        assertThat(stream.offers()).hasSize(1);
        at(refused + YEAR, wire);
        assertThat(stream.offers()).hasSize(2);
        Invariants.check(world);
    }

    @Test
    void offerOfAnotherFrameworkIsNoOnesToAccept() {
        World.Wire wire = world.agent("h");
        World.Stream owner = subscribe("a");
        Offer offer = owner.offers().getFirst();
        World.Stream thief = subscribe("b");
        assertThat(world.accept(thief, offer, World.task("stolen", offer)).status()).isEqualTo(202);
        dropped(thief, "no longer valid");
        assertThat(wire.of(MessageCase.LAUNCH)).isEmpty();
        // It is as open as before: neither offered again nor lost.
        assertThat(owner.offers()).hasSize(1);
        assertThat(thief.offers()).isEmpty();
        world.accept(owner, offer, World.task("own", offer));
        assertThat(owner.updates()).isEmpty();
        assertThat(wire.of(MessageCase.LAUNCH)).hasSize(1);
        Invariants.check(world);
    }

    @Test
    void offerOfAnotherFrameworkIsNoOnesToDecline() {
        World.Wire wire = world.agent("h");
        World.Stream owner = subscribe("a");
        Offer offer = owner.offers().getFirst();
        World.Stream other = subscribe("b");
        assertThat(world.call(other, decline(offer, 0)).status()).isEqualTo(202);
        world.pass(1);
        assertThat(owner.offers()).hasSize(1);
        assertThat(other.offers()).isEmpty();
        world.accept(owner, offer, World.task("own", offer));
        assertThat(owner.updates()).isEmpty();
        assertThat(wire.of(MessageCase.LAUNCH)).hasSize(1);
        Invariants.check(world);
    }

    @Test
    void offerCountsOnceInOneAccept() {
        World.Wire wire = world.agent("h");
        World.Stream stream = subscribe("a");
        Offer offer = stream.offers().getFirst();
        TaskInfo twice = World.task("twice", offer, World.scalar("cpus", 8));
        var answer = world.call(stream, accept(List.of(offer.getId(), offer.getId()), twice));
        assertThat(answer.status()).isEqualTo(202);
        dropped(stream, "Duplicate offer " + offer.getId().getValue());
        assertThat(wire.of(MessageCase.LAUNCH)).isEmpty();
        assertThat(stream.offers()).as("the offer is discarded, once").hasSize(2);
        assertThat(stream.offers().getLast().getResourcesList())
                .isEqualTo(offer.getResourcesList());
        Invariants.check(world);
    }

    @Test
    void offersOfTwoRolesDoNotMakeOneBasket() {
        World.Wire wire = world.agent("h");
        World.Stream stream =
                world.subscribe(
                        World.framework(
                                        "a",
                                        Capability.Type.MULTI_ROLE,
                                        Capability.Type.PARTITION_AWARE)
                                .addRoles("r1")
                                .addRoles("r2")
                                .build());
        Offer whole = stream.offers().getFirst();
        world.accept(stream, whole, World.task("t", whole));
        // The other role is offered what this one left, and this one what its task gives back.
        Offer left = stream.offers().getLast();
        world.beat(wire);
        world.pass(6);
        world.update(wire, World.id(stream), "t", TaskState.TASK_FINISHED);
        Offer freed = stream.offers().getLast();
        assertThat(stream.offers()).hasSize(3);
        assertThat(freed.getAgentId()).isEqualTo(left.getAgentId());
        assertThat(freed.getAllocationInfo()).isNotEqualTo(left.getAllocationInfo());
        world.call(
                stream,
                accept(
                        List.of(left.getId(), freed.getId()),
                        World.task("both", left, World.scalar("cpus", 1))));
        dropped(stream, "allocated to the same role");
        assertThat(wire.of(MessageCase.LAUNCH)).hasSize(1);
        assertThat(world.core.cluster().offers().open())
                .as("both are discarded")
                .noneMatch(offer -> offer.value().equals(left) || offer.value().equals(freed));
        Invariants.check(world);
    }

    @Test
    void taskRunsAsItsFrameworksUserUnlessItNamesOne() {
        world.agent("h");
        World.Stream stream = world.subscribe(World.framework("a").setUser("crew").build());
        Offer offer = stream.offers().getFirst();
        TaskInfo.Builder named = World.task("named", offer).toBuilder();
        named.getCommandBuilder().setUser("pilot");
        world.accept(stream, offer, World.task("plain", offer), named.build());
        var tasks =
                world.ask(dev.berth.protocol.v1.master.Protos.Call.Type.GET_TASKS)
                        .getGetTasks()
                        .getTasksList();
        assertThat(tasks)
                .extracting(task -> task.getTaskId().getValue() + " as " + task.getUser())
                .containsExactlyInAnyOrder("plain as crew", "named as pilot");
    }

    @Test
    void killThatNamesAnotherAgentKillsNothing() {
        World.Wire here = world.agent("here");
        World.Stream stream = subscribe("a");
        Offer offer = stream.offers().getFirst();
        world.accept(stream, offer, World.task("t", offer));
        World.Wire there = world.agent("there");
        Protos.AgentID unknown = Protos.AgentID.newBuilder().setValue("x").build();
        for (Protos.AgentID wrong : List.of(agentId(there), unknown)) {
            assertThat(world.call(stream, kill("t", wrong)).status()).isEqualTo(202);
        }
        assertThat(here.of(MessageCase.KILL)).isEmpty();
        assertThat(there.of(MessageCase.KILL)).isEmpty();
        assertThat(stream.updates()).isEmpty();
        world.call(stream, kill("t", agentId(here)));
        assertThat(here.of(MessageCase.KILL)).hasSize(1);
        assertThat(there.of(MessageCase.KILL)).isEmpty();
    }

    @Test
    void acknowledgementThatAnAgentCannotHearIsNotCountedAsGiven() {
        World.Wire wire = world.agent("h");
        World.Stream stream = subscribe("a");
        Offer offer = stream.offers().getFirst();
        world.accept(stream, offer, World.task("t", offer));
        ByteString uuid = world.update(wire, World.id(stream), "t", TaskState.TASK_FINISHED);
        Framework framework = world.core.cluster().frameworks().iterator().next();
        Protos.Task task = framework.live().values().iterator().next().value();
        world.close(wire);
        assertThat(world.acknowledge(stream, wire, "t", uuid).status()).isEqualTo(202);
        assertThat(framework.live()).as("its end is not acknowledged").hasSize(1);
        assertThat(framework.completed()).isEmpty();
        assertThat(world.core.cluster().counts().value(Count.INVALID_ACKS)).isEqualTo(1);
        assertThat(world.core.cluster().counts().value(Count.VALID_ACKS)).isZero();
        // The agent, which was never told, comes back with the task and says it again.
        Link.Register.Builder again =
                World.register(World.machine("h").setId(agentId(wire)))
                        .addFrameworks(framework.info())
                        .addTasks(task);
        World.Wire back = world.open(again);
        assertThat(back.of(MessageCase.ACKNOWLEDGE)).isEmpty();
        ByteString repeated = world.update(back, World.id(stream), "t", TaskState.TASK_FINISHED);
        world.acknowledge(stream, back, "t", repeated);
        assertThat(back.of(MessageCase.ACKNOWLEDGE)).hasSize(1);
        assertThat(framework.live()).isEmpty();
        assertThat(framework.completed()).hasSize(1);
        assertThat(world.core.cluster().counts().value(Count.VALID_ACKS)).isEqualTo(1);
        Invariants.check(world);
    }
}
