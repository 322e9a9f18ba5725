package dev.berth.master.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.protocol.link.Link.FromMaster.MessageCase;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.FrameworkInfo.Capability;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.scheduler.Protos.Call;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import org.junit.jupiter.api.Test;

import java.util.Collections;
import java.util.List;

/** What is larger, deeper or more than anybody needs costs whoever asked for it, not the master. */
class ExtremesTest {
    private final World world = new World();

    private static FrameworkInfo.Builder inRole(String role) {
        return World.framework("a", Capability.Type.MULTI_ROLE).addRoles(role);
    }

    @Test
    void roleOfTooManyPartsIsAnError() {
        World.Stream deep = world.subscribe(inRole("a" + "/a".repeat(200_000)).build());
        assertThat(deep.events).hasSize(1);
        assertThat(deep.events.getFirst().getError().getMessage()).contains("longer than");
        World.Stream deepest = world.subscribe(inRole("a" + "/a".repeat(500)).build());
        assertThat(World.id(deepest).getValue()).isNotEmpty();
        world.agent("h");
        assertThat(deepest.offers()).hasSize(1);
        var weights =
                dev.berth.protocol.v1.master.Protos.Call.newBuilder()
                        .setType(dev.berth.protocol.v1.master.Protos.Call.Type.UPDATE_WEIGHTS);
        weights.getUpdateWeightsBuilder()
                .addWeightInfosBuilder()
                .setRole("b" + "/b".repeat(200_000))
                .setWeight(2);
        assertThat(world.operator(weights).status()).isEqualTo(400);
    }

    @Test
    void amountsThatDoNotAddUpAreATasksErrorAndTheOfferComesBack() {
        World.Wire wire = world.agent("h");
        World.Stream stream = world.subscribe(World.framework("a").build());
        Offer offer = stream.offers().getLast();
        TaskInfo.Builder task = World.task("t", offer).toBuilder();
        task.addAllResources(Collections.nCopies(110_000, World.scalar("cpus", 90e9)));
        world.accept(stream, offer, task.build());
        assertThat(stream.lastUpdate().getState()).isEqualTo(TaskState.TASK_ERROR);
        assertThat(stream.lastUpdate().getMessage()).contains("at most");
        assertThat(wire.of(MessageCase.LAUNCH)).isEmpty();
        Invariants.check(world);
        world.pass(6);
        assertThat(stream.offers()).hasSize(2);
    }

    @Test
    void agentWhoseAmountsDoNotAddUpIsRefused() {
        Resource most = World.scalar("cpus", 90e9);
        World.Wire wire = world.agent("h", most, most);
        assertThat(wire.messages.getFirst().getRefused().getMessage())
                .contains("'cpus'")
                .contains("90000000000");
        // As many as there may be of the largest still add up.
        for (int i = 0; i < 100; i++) {
            world.agent("h" + i, most);
        }
        assertThat(world.core.cluster().agents()).hasSize(100);
        World.Stream stream = world.subscribe(World.framework("a").build());
        assertThat(stream.offers()).hasSize(100);
    }

    @Test
    void idsThatOthersChoseAreNotGivenAgain() {
        FrameworkInfo.Builder info = World.framework("a");
        World.Stream chosen =
                world.subscribe(
                        info.setId(Protos.FrameworkID.newBuilder().setValue("M-0000")).build());
        World.Stream given = world.subscribe(World.framework("b").build());
        assertThat(World.id(given)).isNotEqualTo(World.id(chosen));
        world.call(chosen, Call.newBuilder().setType(Call.Type.TEARDOWN));
        World.Wire first =
                world.open(
                        World.register(
                                World.machine("h")
                                        .setId(Protos.AgentID.newBuilder().setValue("M-S0"))));
        World.Wire second = world.agent("h2");
        assertThat(second.id()).isNotEqualTo(first.id());
        assertThat(world.core.cluster().agents()).hasSize(2);
        Invariants.check(world);
    }

    @Test
    void idOfAnEndedFrameworkIsNotGivenAgain() {
        World.Stream chosen =
                world.subscribe(
                        World.framework("a")
                                .setId(Protos.FrameworkID.newBuilder().setValue("M-0000"))
                                .build());
        world.call(chosen, Call.newBuilder().setType(Call.Type.TEARDOWN));
        World.Stream given = world.subscribe(World.framework("b").build());
        assertThat(World.id(given).getValue()).isEqualTo("M-0001");
        assertThat(given.of(Event.Type.ERROR)).isEqualTo(List.of());
    }
}
