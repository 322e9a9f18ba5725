package dev.berth.master.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.master.cluster.Answer;
import dev.berth.protocol.v1.Protos.FrameworkID;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.FrameworkInfo.Capability;
import dev.berth.protocol.v1.scheduler.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.List;
import java.util.Optional;

/** SUBSCRIBE, and the life of a subscription. */
class SubscriptionTest {
    private final World world = new World();

    @Test
    void firstSubscriptionGetsAnIdAHeartbeatAndThenOneEvery15Seconds() {
        World.Stream stream = world.subscribe(World.framework("a").build());
        assertThat(stream.events.stream().map(Event::getType))
                .containsExactly(Event.Type.SUBSCRIBED, Event.Type.HEARTBEAT);
        assertThat(World.id(stream).getValue()).isEqualTo("M-0000");
        assertThat(stream.events.getFirst().getSubscribed().getHeartbeatIntervalSeconds())
                .isEqualTo(15);
        assertThat(stream.events.getFirst().getSubscribed().getMasterInfo().getId()).isEqualTo("M");
        world.pass(14.9);
        assertThat(stream.of(Event.Type.HEARTBEAT)).hasSize(1);
        world.pass(0.1);
        assertThat(stream.of(Event.Type.HEARTBEAT)).hasSize(2);
        assertThat(World.id(world.subscribe(World.framework("b").build())).getValue())
                .isEqualTo("M-0001");
    }

    @Test
    void emptyIdAsksForOne() {
        World.Stream stream =
                world.subscribe(
                        World.framework("a").setId(FrameworkID.newBuilder().setValue("")).build());
        assertThat(stream.of(Event.Type.ERROR)).isEmpty();
        assertThat(World.id(stream).getValue()).isEqualTo("M-0000");
    }

    @Test
    void whoComesBackIsNotCutOffForTheStreamBefore() {
        World.Stream old = world.subscribe(World.framework("a").build());
        old.full = true;
        FrameworkInfo info = World.framework("a").setId(World.id(old)).build();
        Call call =
                Call.newBuilder()
                        .setType(Call.Type.SUBSCRIBE)
                        .setFrameworkId(info.getId())
                        .setSubscribe(Call.Subscribe.newBuilder().setFrameworkInfo(info))
                        .build();
        // An offer that the old stream has no room for, and the new one before anything else is
        // done.
        world.now += 15_000_000_000L;
        world.core.tick(world.now);
        World.Stream next = new World.Stream("next");
        world.core.subscribe(call, Optional.empty(), next, world.now);
        world.settle();
        assertThat(next.closed).isFalse();
        assertThat(next.of(Event.Type.SUBSCRIBED)).hasSize(1);
    }

    @Test
    void newerSubscriptionWinsAndTheOldOneIsTold() {
        World.Wire wire = world.agent("h");
        World.Stream old = world.subscribe(World.framework("a").build());
        assertThat(old.offers()).hasSize(1);
        FrameworkInfo again = World.framework("renamed").setId(World.id(old)).build();
        World.Stream next = world.subscribe(again);
        assertThat(old.events.getLast().getError().getMessage()).isEqualTo("Framework failed over");
        assertThat(old.closed).isTrue();
        assertThat(World.id(next)).isEqualTo(World.id(old));
        // The old offers are void: nobody is told, and there is a new one.
        assertThat(old.of(Event.Type.RESCIND)).isEmpty();
        assertThat(next.offers()).hasSize(1);
        assertThat(next.offers().getFirst().getId()).isNotEqualTo(old.offers().getFirst().getId());
        assertThat(
                        world.core
                                .call(
                                        Call.newBuilder()
                                                .setType(Call.Type.REVIVE)
                                                .setFrameworkId(World.id(old))
                                                .build(),
                                        Optional.of(old.id),
                                        Optional.empty(),
                                        world.now)
                                .status())
                .isEqualTo(400);
        world.core.streamClosed(old, world.now);
        assertThat(world.call(next, Call.newBuilder().setType(Call.Type.REVIVE)).status())
                .isEqualTo(202);
        assertThat(wire.closed).isFalse();
    }

    @Test
    void userAndCheckpointStayAsTheyWereFirst() {
        World.Stream first =
                world.subscribe(World.framework("a").setUser("one").setCheckpoint(true).build());
        world.subscribe(
                World.framework("b")
                        .setUser("two")
                        .setCheckpoint(false)
                        .setId(World.id(first))
                        .build());
        FrameworkInfo info = world.core.cluster().frameworks().iterator().next().info();
        assertThat(info.getName()).isEqualTo("b");
        assertThat(info.getUser()).isEqualTo("one");
        assertThat(info.getCheckpoint()).isTrue();
    }

    @Test
    void invalidFrameworkInfoIsAnErrorEventOnAStreamThatEnds() {
        for (FrameworkInfo.Builder bad :
                List.of(
                        World.framework("a").addRoles("x"),
                        World.framework("a", Capability.Type.MULTI_ROLE).addRoles("/x"),
                        World.framework("a", Capability.Type.MULTI_ROLE)
                                .addRoles("x")
                                .addRoles("x"),
                        World.framework("a").setFailoverTimeout(-1),
                        World.framework("a").setFailoverTimeout(Double.NaN),
                        World.framework("a").setId(FrameworkID.newBuilder().setValue("a/b")))) {
            World.Stream stream = world.subscribe(bad.build());
            assertThat(stream.events).hasSize(1);
            assertThat(stream.events.getFirst().getType()).isEqualTo(Event.Type.ERROR);
            assertThat(stream.closed).isTrue();
        }
    }

    @Test
    void malformedSubscribeIs400AndTouchesNoStream() {
        World.Stream stream = new World.Stream("s");
        Call none = Call.newBuilder().setType(Call.Type.SUBSCRIBE).build();
        Call differs =
                Call.newBuilder()
                        .setType(Call.Type.SUBSCRIBE)
                        .setFrameworkId(FrameworkID.newBuilder().setValue("x"))
                        .setSubscribe(
                                Call.Subscribe.newBuilder().setFrameworkInfo(World.framework("a")))
                        .build();
        Call other =
                Call.newBuilder()
                        .setType(Call.Type.SUBSCRIBE)
                        .setSubscribe(
                                Call.Subscribe.newBuilder()
                                        .setFrameworkInfo(World.framework("a").setPrincipal("p")))
                        .build();
        assertThat(subscribe(none, stream)).isEqualTo(400);
        assertThat(subscribe(differs, stream)).isEqualTo(400);
        assertThat(subscribe(other, stream)).isEqualTo(400);
        assertThat(stream.events).isEmpty();
        assertThat(stream.closed).isFalse();
    }

    private int subscribe(Call call, World.Stream stream) {
        return world.core.subscribe(call, Optional.of("me"), stream, world.now).status();
    }

    @Test
    void brokenStreamLeavesTheFrameworkUntilItsFailoverTimeout() {
        world.agent("h");
        World.Stream stream = world.subscribe(World.framework("a").setFailoverTimeout(10).build());
        FrameworkID id = World.id(stream);
        world.core.streamClosed(stream, world.now);
        world.settle();
        assertThat(world.call(stream, Call.newBuilder().setType(Call.Type.REVIVE)).status())
                .isEqualTo(403);
        world.pass(9.9);
        World.Stream back =
                world.subscribe(World.framework("a").setFailoverTimeout(10).setId(id).build());
        assertThat(back.closed).isFalse();
        world.core.streamClosed(back, world.now);
        world.pass(10);
        World.Stream late = world.subscribe(World.framework("a").setId(id).build());
        assertThat(late.events.getFirst().getError().getMessage())
                .isEqualTo("Framework has been removed");
        assertThat(late.closed).isTrue();
    }

    @Test
    void streamThatIsTooFarBehindIsCutAndItsOffersGoToOthers() {
        World.Wire wire = world.agent("h");
        World.Stream slow = world.subscribe(World.framework("slow").build());
        World.Stream other = world.subscribe(World.framework("other").build());
        assertThat(slow.offers()).hasSize(1);
        slow.full = true;
        world.update(
                wire, World.id(slow), "t", dev.berth.protocol.v1.Protos.TaskState.TASK_RUNNING);
        assertThat(slow.closed).isTrue();
        assertThat(other.offers()).hasSize(1);
    }

    @Test
    void principalCannotChange() {
        World.Stream stream = world.subscribe(World.framework("a").setPrincipal("p").build());
        World.Stream again =
                world.subscribe(
                        World.framework("a").setPrincipal("q").setId(World.id(stream)).build());
        assertThat(again.events.getFirst().getType()).isEqualTo(Event.Type.ERROR);
        assertThat(stream.closed).isFalse();
    }

    @Test
    void frameworkOfAnotherMasterKeepsItsId() {
        FrameworkID id = FrameworkID.newBuilder().setValue("old-0007").build();
        World.Stream stream = world.subscribe(World.framework("a").setId(id).build());
        assertThat(World.id(stream)).isEqualTo(id);
    }

    @ParameterizedTest
    @EnumSource(
            value = Call.Type.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"UNKNOWN", "SUBSCRIBE", "TEARDOWN", "REVIVE", "SUPPRESS"})
    void callWithoutItsFieldIs400(Call.Type type) {
        World.Stream stream = world.subscribe(World.framework("a").build());
        Answer answer = world.call(stream, Call.newBuilder().setType(type));
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.text())
                .hasValueSatisfying(text -> assertThat(text).contains("Expecting"));
    }

    @Test
    void callsOfStrangersAreRefusedInOrder() {
        World.Stream stream = world.subscribe(World.framework("a").build());
        Call revive =
                Call.newBuilder()
                        .setType(Call.Type.REVIVE)
                        .setFrameworkId(World.id(stream))
                        .build();
        Call unknown =
                revive.toBuilder().setFrameworkId(FrameworkID.newBuilder().setValue("x")).build();
        assertThat(status(unknown, Optional.of(stream.id))).isEqualTo(400);
        assertThat(status(revive, Optional.empty())).isEqualTo(400);
        assertThat(status(revive, Optional.of("x"))).isEqualTo(400);
        assertThat(status(revive, Optional.of(stream.id))).isEqualTo(202);
        assertThat(status(Call.newBuilder().setType(Call.Type.REVIVE).build(), Optional.empty()))
                .isEqualTo(400);
        assertThat(status(Call.getDefaultInstance(), Optional.empty())).isEqualTo(400);
        Call notThere =
                revive.toBuilder()
                        .setType(Call.Type.RECONCILE_OPERATIONS)
                        .setReconcileOperations(Call.ReconcileOperations.getDefaultInstance())
                        .build();
        Answer answer =
                world.core.call(notThere, Optional.of(stream.id), Optional.empty(), world.now);
        assertThat(answer.status()).isEqualTo(501);
        assertThat(answer.text().orElseThrow()).contains("RECONCILE_OPERATIONS");
    }

    private int status(Call call, Optional<String> stream) {
        return world.core.call(call, stream, Optional.empty(), world.now).status();
    }

    @Test
    void updateFrameworkChangesRolesAndRefusesWhatIsFixed() {
        world.agent("h");
        World.Stream stream =
                world.subscribe(
                        World.framework("a", Capability.Type.MULTI_ROLE).addRoles("x").build());
        assertThat(stream.offers()).hasSize(1);
        FrameworkInfo.Builder next =
                World.framework("a", Capability.Type.MULTI_ROLE)
                        .addRoles("y")
                        .setId(World.id(stream));
        assertThat(update(stream, next)).isEqualTo(200);
        assertThat(stream.of(Event.Type.RESCIND)).hasSize(1);
        assertThat(stream.offers().getLast().getAllocationInfo().getRole()).isEqualTo("y");
        assertThat(update(stream, next.clone().setUser("other"))).isEqualTo(400);
        assertThat(update(stream, next.clone().setCheckpoint(true))).isEqualTo(400);
        assertThat(update(stream, next.clone().addRoles("-"))).isEqualTo(400);
    }

    private int update(World.Stream stream, FrameworkInfo.Builder info) {
        return world.call(
                        stream,
                        Call.newBuilder()
                                .setType(Call.Type.UPDATE_FRAMEWORK)
                                .setUpdateFramework(
                                        Call.UpdateFramework.newBuilder().setFrameworkInfo(info)))
                .status();
    }

    @Test
    void suppressAndReviveAreByRole() {
        World.Stream stream = world.subscribe(World.framework("a").build());
        world.call(stream, Call.newBuilder().setType(Call.Type.SUPPRESS));
        world.agent("h");
        assertThat(stream.offers()).isEmpty();
        world.call(
                stream,
                Call.newBuilder()
                        .setType(Call.Type.REVIVE)
                        .setRevive(Call.Revive.newBuilder().addRoles("not-mine")));
        assertThat(stream.offers()).isEmpty();
        world.call(stream, Call.newBuilder().setType(Call.Type.REVIVE));
        assertThat(stream.offers()).hasSize(1);
    }

    @Test
    void teardownKillsEverythingAndEndsTheStream() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(World.framework("a").build());
        world.accept(
                stream, stream.offers().getFirst(), World.task("t", stream.offers().getFirst()));
        assertThat(world.call(stream, Call.newBuilder().setType(Call.Type.TEARDOWN)).status())
                .isEqualTo(202);
        assertThat(stream.closed).isTrue();
        assertThat(wire.of(dev.berth.protocol.link.Link.FromMaster.MessageCase.SHUTDOWN_FRAMEWORK))
                .hasSize(1);
        Invariants.check(world);
        World.Stream other = world.subscribe(World.framework("b").build());
        assertThat(other.offers().getFirst().getResourcesList().getFirst().getScalar().getValue())
                .isEqualTo(4);
    }
}
