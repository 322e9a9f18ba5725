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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

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

    /** A master that offers what is free to whoever holds least and wants any, as a fair one does. */
    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5, 10})
    void gangsThatEachWantBothAgentsDoNotHoldAPartEachForEver(int count) {
        for (int seed = 0; seed < 50; seed++) {
            List<List<Call>> calls = new ArrayList<>();
            List<Gang> gangs = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                calls.add(new ArrayList<>());
                gangs.add(gang(calls.get(i), 1000 * seed + i));
            }
            Map<OfferID, String> offered = new HashMap<>();
            List<String> free = new ArrayList<>(List.of("a", "b"));
            int[] holds = new int[count];
            Set<Integer> suppressed = new HashSet<>();
            int made = 0;
            long now = 0;
            while (gangs.stream().allMatch(Gang::isWaiting)) {
                assertThat(now).as("seed %s", seed).isLessThan(120 * SECOND_NS);
                for (String agent : List.copyOf(free)) {
                    int first = (int) (now / SECOND_NS);
                    OptionalInt next =
                            IntStream.range(first, first + count)
                                    .map(i -> i % count)
                                    .filter(i -> !suppressed.contains(i))
                                    .reduce((a, b) -> holds[b] < holds[a] ? b : a);
                    if (next.isPresent()) {
                        Offer offer = offer(made++, agent);
                        offered.put(offer.getId(), agent);
                        free.remove(agent);
                        holds[next.getAsInt()]++;
                        gangs.get(next.getAsInt()).offers(List.of(offer), now);
                    }
                }
                now += SECOND_NS / 4;
                for (Gang gang : gangs) {
                    gang.tick(now);
                }
                for (int i = 0; i < count; i++) {
                    for (Call call : calls.get(i)) {
                        switch (call.getType()) {
                            case SUPPRESS -> suppressed.add(i);
                            case REVIVE -> suppressed.remove(i);
                            default -> {
                                for (OfferID id : call.getDecline().getOfferIdsList()) {
                                    free.add(offered.get(id));
                                    holds[i]--;
                                }
                            }
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
