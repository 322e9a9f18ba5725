package dev.berth.master.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.master.operator.Page;
import dev.berth.master.operator.PageQuery;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.master.Protos.Call;
import dev.berth.protocol.v1.master.Protos.Event;
import dev.berth.protocol.v1.master.Protos.Response;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** What operators see and do. */
class OperatorTest {
    private final World world = new World();
    private World.Stream stream = new World.Stream("");

    @BeforeEach
    void runATask() {
        World.Wire wire = world.agent("h");
        stream = world.subscribe(World.framework("a").build());
        world.accept(
                stream, stream.offers().getFirst(), World.task("t", stream.offers().getFirst()));
        world.update(wire, World.id(stream), "t", TaskState.TASK_RUNNING);
    }

    @Test
    void stateHasEverything() {
        Response.GetState state = world.ask(Call.Type.GET_STATE).getGetState();
        assertThat(state.getGetTasks().getTasks(0).getState()).isEqualTo(TaskState.TASK_RUNNING);
        assertThat(state.getGetAgents().getAgents(0).getVersion()).isEqualTo("1.11.0");
        assertThat(state.getGetAgents().getAgents(0).getAllocatedResourcesList())
                .anyMatch(r -> r.getName().equals("cpus") && r.getScalar().getValue() == 1);
        assertThat(state.getGetFrameworks().getFrameworks(0).getConnected()).isTrue();
        assertThat(world.ask(Call.Type.GET_ROLES).getGetRoles().getRoles(0).getName())
                .isEqualTo("*");
        assertThat(world.ask(Call.Type.GET_MASTER).getGetMaster().getMasterInfo().getId())
                .isEqualTo("M");
        assertThat(world.ask(Call.Type.GET_VERSION).getGetVersion().getVersionInfo().getVersion())
                .isEqualTo("1.11.0");
        assertThat(world.ask(Call.Type.GET_FLAGS).getGetFlags().getFlags(0).getValue())
                .isEqualTo("/x");
        assertThat(world.ask(Call.Type.GET_OPERATIONS).hasGetOperations()).isTrue();
    }

    @ParameterizedTest
    @EnumSource(Call.Type.class)
    void everyCallIsAnswered(Call.Type type) {
        int status = world.operator(Call.newBuilder().setType(type)).status();
        assertThat(status).isIn(200, 400, 501);
        if (status == 501) {
            assertThat(world.operator(Call.newBuilder().setType(type)).text().orElseThrow())
                    .contains(type.name());
        }
    }

    @Test
    void weightsAreWrittenBeforeTheyCount() {
        Call.Builder call =
                Call.newBuilder()
                        .setType(Call.Type.UPDATE_WEIGHTS)
                        .setUpdateWeights(
                                Call.UpdateWeights.newBuilder()
                                        .addWeightInfos(
                                                Protos.WeightInfo.newBuilder()
                                                        .setRole("r")
                                                        .setWeight(2.5)));
        assertThat(world.operator(call).status()).isEqualTo(200);
        assertThat(world.shelf.weights).isEqualTo(Map.of("r", 2.5));
        assertThat(world.ask(Call.Type.GET_WEIGHTS).getGetWeights().getWeightInfos(0).getWeight())
                .isEqualTo(2.5);
        assertThat(world.next("N").core.cluster().weights()).containsEntry("r", 2.5);
        call.getUpdateWeightsBuilder().getWeightInfosBuilder(0).setWeight(0);
        assertThat(world.operator(call).status()).isEqualTo(400);
    }

    @Test
    void changesOfWeightsUnderWayDoNotUndoEachOther() {
        for (String role : List.of("a", "b")) {
            Call.Builder call = Call.newBuilder().setType(Call.Type.UPDATE_WEIGHTS);
            call.getUpdateWeightsBuilder().addWeightInfosBuilder().setRole(role).setWeight(2);
            world.core.operator(call.build(), _ -> {}, world.now);
        }
        world.settle();
        assertThat(world.shelf.weights).isEqualTo(Map.of("a", 2.0, "b", 2.0));
        assertThat(world.core.cluster().weights()).isEqualTo(world.shelf.weights);
    }

    @Test
    void frameworkThatIsAddedIsConnected() {
        World.Follower follower = new World.Follower();
        world.core.subscribeOperator(follower, world.now);
        world.subscribe(World.framework("b").build());
        assertThat(follower.types().getLast()).isEqualTo(Event.Type.FRAMEWORK_ADDED);
        assertThat(follower.events.getLast().getFrameworkAdded().getFramework().getConnected())
                .isTrue();
    }

    @Test
    void followersSeeWhatHappensAndASlowOneIsCutOff() {
        World.Follower follower = new World.Follower();
        World.Follower slow = new World.Follower();
        world.core.subscribeOperator(follower, world.now);
        world.core.subscribeOperator(slow, world.now);
        assertThat(follower.types()).containsExactly(Event.Type.HEARTBEAT);
        assertThat(
                        world.read()
                                .subscribed()
                                .getSubscribed()
                                .getGetState()
                                .getGetTasks()
                                .getTasksList())
                .hasSize(1);
        slow.full = true;
        World.Wire wire = world.agent("other");
        assertThat(slow.closed).isTrue();
        world.call(
                stream,
                dev.berth.protocol.v1.scheduler.Protos.Call.newBuilder()
                        .setType(dev.berth.protocol.v1.scheduler.Protos.Call.Type.TEARDOWN));
        world.close(wire);
        world.pass(15);
        assertThat(follower.types())
                .contains(
                        Event.Type.AGENT_ADDED,
                        Event.Type.TASK_UPDATED,
                        Event.Type.FRAMEWORK_REMOVED,
                        Event.Type.AGENT_REMOVED);
        assertThat(follower.types().stream().filter(t -> t == Event.Type.HEARTBEAT)).hasSize(2);
        assertThat(follower.closed).isFalse();
    }

    @Test
    void theOldestOfTooManyWatchersMakesPlace() {
        World.Follower first = new World.Follower();
        World.Follower second = new World.Follower();
        world.core.subscribeOperator(first, world.now);
        world.core.subscribeOperator(second, world.now);
        for (int i = 2; i < 1000; i++) {
            world.core.subscribeOperator(new World.Follower(), world.now);
        }
        assertThat(first.closed).isFalse();
        world.core.subscribeOperator(new World.Follower(), world.now);
        assertThat(first.closed).isTrue();
        assertThat(second.closed).isFalse();
    }

    @Test
    void pagesHaveMesossNames() {
        String state = text(Page.STATE);
        assertThat(state)
                .contains(
                        "\"activated_slaves\":1",
                        "\"slaves\":[{\"id\":\"M-S0\"",
                        "\"frameworks\":[{\"id\":\"M-0000\"")
                .contains(
                        "\"completed_frameworks\":[]",
                        "\"state\":\"TASK_RUNNING\"",
                        "\"ports\":\"[31000-32000]\"");
        assertThat(text(Page.SLAVES)).contains("\"used_resources_full\":[{\"name\":\"cpus\"");
        assertThat(text(Page.TASKS)).contains("\"slave_id\":\"M-S0\"");
        assertThat(text(Page.FRAMEWORKS)).contains("\"unregistered_time\":0.0");
        assertThat(text(Page.STATE_SUMMARY)).contains("\"TASK_RUNNING\":1");
        assertThat(text(Page.METRICS_SNAPSHOT))
                .contains(
                        "\"master/tasks_running\":1.0",
                        "\"master/cpus_used\":1.0",
                        "\"master/elected\":1.0");
        assertThat(text(Page.HEALTH)).isEmpty();
        assertThat(new String(world.read().prometheus(), StandardCharsets.UTF_8))
                .contains(
                        "# TYPE berth_master_messages_accept_total counter\nberth_master_messages_accept_total 1\n");
    }

    private String text(Page page) {
        return new String(world.read().page(page, PageQuery.NONE), StandardCharsets.UTF_8);
    }
}
