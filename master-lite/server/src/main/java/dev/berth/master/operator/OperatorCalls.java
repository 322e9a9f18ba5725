package dev.berth.master.operator;

import com.google.protobuf.Descriptors.FieldDescriptor;

import dev.berth.master.allocator.Role;
import dev.berth.master.cluster.Answer;
import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.Count;
import dev.berth.master.cluster.Framework;
import dev.berth.master.cluster.OperatorStream;
import dev.berth.master.cluster.Wire;
import dev.berth.master.ids.AgentId;
import dev.berth.protocol.v1.Protos.WeightInfo;
import dev.berth.protocol.v1.master.Protos.Call;

import java.util.ArrayDeque;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** The orders of the operator API that are there, and its streams of events; questions are answered by {@link Readings}. */
public final class OperatorCalls {
    private final Cluster cluster;
    private final BiConsumer<AgentId, Consumer<Answer>> gone;
    private final EventStreams streams;

    /** Changes of weights, one after the other: each writes all weights, as the one before has left them. */
    private final ArrayDeque<Runnable> weighing = new ArrayDeque<>();

    /**
     * The operator API of a cluster.
     *
     * @param gone marks an agent gone, and tells the answer once
     */
    public OperatorCalls(Cluster cluster, BiConsumer<AgentId, Consumer<Answer>> gone) {
        this.cluster = cluster;
        this.gone = gone;
        streams = new EventStreams(cluster);
        cluster.watch(streams);
    }

    /** Begins a stream of events: what happens from now on. Whoever opens it sends {@link Readings#subscribed} of this moment before. */
    public void subscribe(OperatorStream stream) {
        streams.add(stream);
    }

    /** The client went away. */
    public void closed(OperatorStream stream) {
        streams.remove(stream);
    }

    /** Heartbeats that are due; answers when the next ones are. */
    public long tick() {
        return streams.tick();
    }

    /** What is missing from a call, whoever makes it: also from one that is not there yet. Any thread. */
    public static Optional<String> malformed(Call call) {
        if (!call.hasType()) {
            return Optional.of("Expecting 'type' to be present");
        }
        // A call's own field is named as its type is; every one of them is mandatory.
        String name = call.getType().name().toLowerCase(Locale.ROOT);
        FieldDescriptor field = Call.getDescriptor().findFieldByName(name);
        return field != null && !call.hasField(field)
                ? Optional.of("Expecting '" + name + "' to be present")
                : Optional.empty();
    }

    /** Answers a call, once. */
    public void call(Call call, Consumer<Answer> done) {
        Optional<String> malformed = malformed(call);
        if (malformed.isPresent()) {
            done.accept(Answer.refusal(400, malformed.get()));
            return;
        }
        switch (call.getType()) {
            case UPDATE_WEIGHTS -> weigh(call, done);
            case TEARDOWN -> done.accept(teardown(call));
            case MARK_AGENT_GONE ->
                    gone.accept(Wire.agentId(call.getMarkAgentGone().getAgentId()), done);
            case SUBSCRIBE ->
                    done.accept(
                            Answer.refusal(
                                    400,
                                    "SUBSCRIBE is answered with a stream, not with a message"));
            default -> done.accept(notAnOrder(call.getType()));
        }
    }

    private static Answer notAnOrder(Call.Type type) {
        return Readings.answers(type)
                ? Answer.refusal(400, type + " is answered from a moment of the cluster")
                : Answer.refusal(501, "The call " + type + " is not there yet");
    }

    private void weigh(Call call, Consumer<Answer> done) {
        Map<String, Double> changed = new TreeMap<>();
        for (WeightInfo info : call.getUpdateWeights().getWeightInfosList()) {
            Optional<String> problem = Role.problem(info.getRole());
            if (problem.isPresent()) {
                done.accept(
                        Answer.refusal(
                                400, "Invalid role '" + info.getRole() + "': it " + problem.get()));
                return;
            }
            if (!(info.getWeight() > 0) || Double.isInfinite(info.getWeight())) {
                done.accept(
                        Answer.refusal(
                                400,
                                "Invalid weight "
                                        + info.getWeight()
                                        + " for role '"
                                        + info.getRole()
                                        + "': weights must be positive"));
                return;
            }
            changed.put(info.getRole(), info.getWeight());
        }
        weighing.add(() -> write(changed, done));
        if (weighing.size() == 1) {
            weighing.element().run();
        }
    }

    private void write(Map<String, Double> changed, Consumer<Answer> done) {
        Map<String, Double> all = new TreeMap<>(cluster.weights());
        all.putAll(changed);
        cluster.registry()
                .putWeights(
                        all,
                        result -> {
                            weighing.remove();
                            if (result.error().isPresent()) {
                                cluster.counts().add(Count.REGISTRY_FAILURES);
                                done.accept(
                                        Answer.refusal(
                                                503,
                                                "The registry did not take it: "
                                                        + result.error().get()));
                            } else {
                                cluster.weigh(changed);
                                done.accept(Answer.OK);
                            }
                            if (!weighing.isEmpty()) {
                                weighing.element().run();
                            }
                        });
    }

    private Answer teardown(Call call) {
        Optional<Framework> framework =
                cluster.framework(Wire.frameworkId(call.getTeardown().getFrameworkId()));
        if (framework.isEmpty()) {
            return Answer.refusal(
                    400,
                    "No framework found with ID " + call.getTeardown().getFrameworkId().getValue());
        }
        cluster.counts().add(Count.TEARDOWNS);
        cluster.settings()
                .chronicle()
                .note("framework " + framework.get().id() + " is ended by an operator");
        cluster.removeFramework(framework.get());
        return Answer.OK;
    }
}
