package dev.berth.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.OfferID;
import dev.berth.protocol.v1.Protos.Resource;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.Value;
import dev.berth.protocol.v1.scheduler.Protos.Call;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/** Gangs that meet others, and masters that come late. */
class GangRaceTest {
    private static final long SECOND_NS = 1_000_000_000L;

    private static Gang gang(List<Call> calls, int seed) {
        JobSpec spec =
                new JobSpec("j", Optional.empty(), List.of("true"), Map.of(), "*", 1, 100, 1, 2);
        return new Gang(spec, "j", calls::add, new Timeline(), new SplittableRandom(seed));
    }

    private static Offer offer(int id, String agent) {
        Offer.Builder offer = Offer.newBuilder().setHostname(agent);
        offer.getIdBuilder().setValue("o" + id);
        offer.getAgentIdBuilder().setValue(agent);
        offer.getFrameworkIdBuilder().setValue("f");
        Map.of("cpus", 8, "mem", 4000, "gpus", 1)
                .forEach((name, value) ->
                        offer.addResources(
                                Resource.newBuilder()
                                        .setName(name)
                                        .setType(Value.Type.SCALAR)
                                        .setScalar(Value.Scalar.newBuilder().setValue(value))));
        return offer.build();
    }

    @Test
    void gangsThatHoldAHalfEachAtTheSameMomentDoNotChangeHalvesForEver() {
        for (int seed = 0; seed < 50; seed++) {
            List<List<Call>> calls = List.of(new ArrayList<>(), new ArrayList<>());
            List<Gang> gangs = List.of(gang(calls.get(0), seed), gang(calls.get(1), -1 - seed));
            Map<OfferID, String> agents = new HashMap<>();
            int made = 0;
            long now = 0;
            // Who is to be offered which agent next: what one gives back goes to the other.
            Map<String, Integer> free = new HashMap<>(Map.of("a", 0, "b", 1));
            while (gangs.stream().allMatch(Gang::isWaiting)) {
                assertThat(now).as("seed %s", seed).isLessThan(120 * SECOND_NS);
                for (Map.Entry<String, Integer> each : free.entrySet()) {
                    Offer offer = offer(made++, each.getKey());
                    agents.put(offer.getId(), each.getKey());
                    gangs.get(each.getValue()).offers(List.of(offer), now);
                }
                free.clear();
                // Both hear at the same moment, and their clocks beat together.
                now += SECOND_NS / 4;
                for (Gang gang : gangs) {
                    gang.tick(now);
                }
                for (int i = 0; i < 2; i++) {
                    for (Call call : calls.get(i)) {
                        for (OfferID id : call.getDecline().getOfferIdsList()) {
                            free.put(agents.get(id), 1 - i);
                        }
                    }
                    calls.get(i).clear();
                }
            }
        }
    }

    @Test
    void taskOfWhichANewMasterSaysNothingIsAskedForUntilItDoes() {
        List<Call> calls = new ArrayList<>();
        Gang gang = gang(calls, 1);
        gang.offers(List.of(offer(1, "a"), offer(2, "b")), 0);
        gang.subscribed();
        List<Worker> workers = gang.workers();
        gang.updated(status(workers.get(0), TaskState.TASK_RUNNING), 0);
        calls.clear();
        for (long now = 0; now < 60 * SECOND_NS; now += SECOND_NS / 4) {
            gang.tick(now);
        }
        assertThat(calls)
                .hasSizeBetween(3, 6)
                .allMatch(call ->
                        call.getReconcile().getTasksList().stream()
                                .allMatch(task ->
                                        task.getTaskId()
                                                .equals(workers.get(1).info().getTaskId())));
        // The agent has come, without the task: the gang is ended and tried again.
        gang.updated(status(workers.get(1), TaskState.TASK_GONE), 0);
        gang.updated(status(workers.get(0), TaskState.TASK_KILLED), 0);
        assertThat(gang.isWaiting()).isTrue();
        calls.clear();
        gang.tick(3600 * SECOND_NS);
        assertThat(calls).isEmpty();
    }

    private static TaskStatus status(Worker worker, TaskState state) {
        return TaskStatus.newBuilder()
                .setTaskId(worker.info().getTaskId())
                .setAgentId(worker.info().getAgentId())
                .setState(state)
                .build();
    }
}
