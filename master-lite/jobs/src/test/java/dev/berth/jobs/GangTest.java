package dev.berth.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;

import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.Value;
import dev.berth.protocol.v1.scheduler.Protos.Call;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

class GangTest {
    private final List<Call> calls = new ArrayList<>();

    private Gang gang(int workers) {
        JobSpec spec =
                new JobSpec(
                        "j", Optional.empty(), List.of("true"), Map.of(), "*", 1, 100, 1, workers);
        return new Gang(spec, "j", calls::add, new Timeline(), new SplittableRandom(1));
    }

    private static Offer offer(String id, String agent, int gpus) {
        Offer.Builder offer = Offer.newBuilder().setHostname(agent + ".test");
        offer.getIdBuilder().setValue(id);
        offer.getAgentIdBuilder().setValue(agent);
        offer.getFrameworkIdBuilder().setValue("f");
        Map.of("cpus", 8, "mem", 4000, "gpus", gpus)
                .forEach((name, value) ->
                        offer.addResources(
                                Resource.newBuilder()
                                        .setName(name)
                                        .setType(Value.Type.SCALAR)
                                        .setScalar(Value.Scalar.newBuilder().setValue(value))));
        return offer.build();
    }

    private List<Call> of(Call.Type type) {
        return calls.stream().filter(call -> call.getType() == type).toList();
    }

    private static TaskStatus status(Worker worker, TaskState state, String message) {
        return TaskStatus.newBuilder()
                .setTaskId(worker.info().getTaskId())
                .setAgentId(worker.info().getAgentId())
                .setState(state)
                .setMessage(message)
                .setUuid(ByteString.copyFrom(new byte[16]))
                .build();
    }

    private static String variable(TaskInfo task, String name) {
        return task.getCommand().getEnvironment().getVariablesList().stream()
                .filter(variable -> variable.getName().equals(name))
                .findFirst()
                .orElseThrow()
                .getValue();
    }

    @Test
    void nothingIsAcceptedBeforeAllFit() {
        Gang gang = gang(3);
        gang.offers(List.of(offer("o1", "a", 2)), 0);
        assertThat(calls).isEmpty();
        gang.offers(List.of(offer("o2", "b", 0)), 0);
        assertThat(of(Call.Type.ACCEPT)).isEmpty();
        assertThat(of(Call.Type.DECLINE)).hasSize(1);
        gang.offers(List.of(offer("o3", "c", 2), offer("o4", "d", 1)), 0);
        assertThat(of(Call.Type.ACCEPT)).hasSize(2);
        assertThat(of(Call.Type.DECLINE)).hasSize(2);
        assertThat(of(Call.Type.SUPPRESS)).hasSize(1);
        assertThat(gang.workers())
                .extracting(worker -> variable(worker.info(), "RANK"))
                .containsExactly("0", "1", "2");
        assertThat(gang.workers())
                .allMatch(worker -> variable(worker.info(), "WORLD_SIZE").equals("3"))
                .allMatch(worker -> variable(worker.info(), "MASTER_ADDR").equals("a.test"));
    }

    @Test
    void ofTwoThatHoldAllTheSmallerIsTaken() {
        Gang gang = gang(2);
        gang.offers(List.of(offer("o1", "a", 8), offer("o2", "b", 2), offer("o3", "c", 4)), 0);
        assertThat(gang.workers())
                .allMatch(worker -> worker.info().getAgentId().getValue().equals("b"));
    }

    @Test
    void onFewerAgentsRatherThanOnSmallerOnes() {
        Gang gang = gang(2);
        gang.offers(List.of(offer("o1", "a", 1), offer("o2", "b", 8), offer("o3", "c", 1)), 0);
        assertThat(gang.workers())
                .allMatch(worker -> worker.info().getAgentId().getValue().equals("b"));
    }

    @Test
    void whatSomebodyElseHasEndedIsKilled() {
        Gang gang = gang(1);
        gang.offers(List.of(offer("o1", "a", 1)), 0);
        gang.removed();
        assertThat(gang.exitCode()).hasValue(137);
    }

    @Test
    void whatIsHeldInVainGoesBack() {
        Gang gang = gang(2);
        gang.offers(List.of(offer("o1", "a", 1)), 0);
        gang.tick(Gang.HOLD_NS - 1);
        assertThat(calls).isEmpty();
        gang.tick(Gang.HOLD_NS);
        assertThat(of(Call.Type.DECLINE)).hasSize(1);
        gang.offers(List.of(offer("o2", "b", 1)), Gang.HOLD_NS);
        assertThat(of(Call.Type.ACCEPT)).isEmpty();
    }

    @Test
    void whatCannotFitHoldsNothing() {
        Gang gang = gang(2);
        gang.hopeless(true);
        gang.offers(List.of(offer("o1", "a", 1)), 0);
        assertThat(of(Call.Type.DECLINE)).hasSize(1);
        gang.hopeless(false);
        gang.offers(List.of(offer("o2", "a", 1), offer("o3", "b", 1)), 1);
        assertThat(gang.workers()).hasSize(2);
    }

    private List<Worker> running(Gang gang) {
        gang.offers(List.of(offer("o1", "a", 2)), 0);
        gang.workers()
                .forEach(worker -> gang.updated(status(worker, TaskState.TASK_RUNNING, ""), 1));
        calls.clear();
        return gang.workers();
    }

    @Test
    void aWorkerThatIsBackInTimeGoesOn() {
        Gang gang = gang(2);
        List<Worker> workers = running(gang);
        long most = JobRules.DEFAULT_UNREACHABLE.toNanos();
        gang.updated(status(workers.get(1), TaskState.TASK_UNREACHABLE, "away"), 10);
        gang.tick(9 + most);
        gang.updated(status(workers.get(1), TaskState.TASK_RUNNING, ""), 9 + most);
        gang.updated(status(workers.get(1), TaskState.TASK_UNREACHABLE, "away"), 10 + most);
        gang.tick(11 + most);
        assertThat(of(Call.Type.KILL)).isEmpty();
        workers.forEach(worker -> gang.updated(status(worker, TaskState.TASK_FINISHED, ""), most));
        assertThat(gang.exitCode()).hasValue(0);
    }

    @Test
    void aWorkerThatIsAwayForTooLongFailsTheJobAndIsKilledWhenItIsBack() {
        Gang gang = gang(2);
        List<Worker> workers = running(gang);
        long end = JobRules.DEFAULT_UNREACHABLE.toNanos() + 10;
        gang.updated(status(workers.get(1), TaskState.TASK_UNREACHABLE, "away"), 10);
        gang.tick(end);
        assertThat(of(Call.Type.KILL)).hasSize(2);
        gang.updated(status(workers.get(0), TaskState.TASK_KILLED, ""), end + 1);
        assertThat(gang.exitCode()).isEmpty();
        TaskStatus back =
                status(workers.get(1), TaskState.TASK_RUNNING, "").toBuilder()
                        .setReason(TaskStatus.Reason.REASON_AGENT_REREGISTERED)
                        .build();
        gang.updated(back, end + 2);
        assertThat(of(Call.Type.KILL)).hasSize(3);
        gang.tick(end + Gang.UNREACHABLE_WAIT_NS);
        assertThat(gang.exitCode()).isEmpty();
        gang.updated(
                status(workers.get(1), TaskState.TASK_KILLED, "Command terminated with signal 15"),
                end + 3);
        assertThat(gang.exitCode()).hasValue(125);
        assertThat(gang.failure())
                .hasValueSatisfying(
                        what -> assertThat(what).contains("worker 1", "unreachable", "away"));
    }

    @Test
    void nobodyWaitsForEverForAJobThatIsBeingEnded() {
        Gang away = gang(2);
        List<Worker> workers = running(away);
        away.updated(status(workers.get(1), TaskState.TASK_UNREACHABLE, "away"), 2);
        away.cancel(3);
        away.updated(status(workers.get(0), TaskState.TASK_KILLED, ""), 4);
        away.tick(2 + Gang.UNREACHABLE_WAIT_NS);
        assertThat(away.exitCode()).isEmpty();
        away.tick(3 + Gang.UNREACHABLE_WAIT_NS);
        assertThat(away.exitCode()).hasValue(130);
        assertThat(away.left()).containsExactly(workers.get(1));

        Gang stuck = gang(1);
        running(stuck);
        stuck.cancel(3);
        stuck.tick(2 + Gang.END_WAIT_NS);
        assertThat(stuck.exitCode()).isEmpty();
        stuck.tick(3 + Gang.END_WAIT_NS);
        assertThat(stuck.exitCode()).hasValue(130);
    }

    @Test
    void aRescindedOfferIsNotCountedOn() {
        Gang gang = gang(2);
        gang.offers(List.of(offer("o1", "a", 1)), 0);
        gang.rescinded(offer("o1", "a", 1).getId());
        gang.offers(List.of(offer("o2", "b", 1)), 0);
        assertThat(of(Call.Type.ACCEPT)).isEmpty();
    }

    @Test
    void theFirstFailureEndsAllAndGivesTheExitCode() {
        Gang gang = gang(2);
        gang.offers(List.of(offer("o1", "a", 2)), 0);
        List<Worker> workers = gang.workers();
        workers.forEach(worker -> gang.updated(status(worker, TaskState.TASK_RUNNING, ""), 1));
        gang.updated(
                status(workers.get(1), TaskState.TASK_FAILED, "Command exited with status 7"), 2);
        assertThat(of(Call.Type.KILL)).hasSize(1);
        assertThat(gang.exitCode()).isEmpty();
        gang.updated(
                status(workers.get(0), TaskState.TASK_KILLED, "Command terminated with signal 15"),
                3);
        assertThat(gang.exitCode()).hasValue(7);
        assertThat(of(Call.Type.ACKNOWLEDGE)).hasSize(4);
    }

    @Test
    void aHalfStartedGangIsEndedAndTriedAgain() {
        Gang gang = gang(2);
        gang.offers(List.of(offer("o1", "a", 1), offer("o2", "b", 1)), 0);
        List<Worker> first = gang.workers();
        gang.updated(status(first.get(0), TaskState.TASK_RUNNING, ""), 1);
        gang.updated(status(first.get(1), TaskState.TASK_DROPPED, "offer is gone"), 1);
        assertThat(of(Call.Type.KILL)).hasSize(1);
        gang.updated(status(first.get(0), TaskState.TASK_KILLED, ""), 2);
        assertThat(gang.isWaiting()).isTrue();
        assertThat(of(Call.Type.REVIVE)).hasSize(1);
        gang.offers(List.of(offer("o3", "a", 2)), 3);
        gang.workers()
                .forEach(worker -> gang.updated(status(worker, TaskState.TASK_FINISHED, ""), 4));
        assertThat(gang.exitCode()).hasValue(0);
        assertThat(first).noneMatch(gang.workers()::contains);
    }

    @Test
    void aNewSubscriptionAsksForTasksAndForgetsOffers() {
        Gang waiting = gang(2);
        waiting.offers(List.of(offer("o1", "a", 1)), 0);
        waiting.subscribed();
        waiting.offers(List.of(offer("o2", "b", 1)), 0);
        assertThat(of(Call.Type.ACCEPT)).isEmpty();
        Gang launched = gang(1);
        launched.offers(List.of(offer("o3", "a", 1)), 0);
        launched.subscribed();
        assertThat(of(Call.Type.RECONCILE)).hasSize(1);
    }

    @Test
    void anInterruptKillsAndIsTheExitCode() {
        Gang gang = gang(1);
        gang.offers(List.of(offer("o1", "a", 1)), 0);
        gang.cancel(1);
        assertThat(of(Call.Type.KILL)).hasSize(1);
        gang.updated(status(gang.workers().getFirst(), TaskState.TASK_KILLED, ""), 1);
        assertThat(gang.exitCode()).hasValue(130);
    }
}
