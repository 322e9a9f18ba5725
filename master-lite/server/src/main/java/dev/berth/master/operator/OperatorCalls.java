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
import dev.berth.protocol.v1.Protos.Flag;
import dev.berth.protocol.v1.Protos.Metric;
import dev.berth.protocol.v1.Protos.VersionInfo;
import dev.berth.protocol.v1.Protos.WeightInfo;
import dev.berth.protocol.v1.master.Protos.Call;
import dev.berth.protocol.v1.master.Protos.Response;

import java.util.ArrayDeque;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** The operator API: questions, and the few orders that are there. */
public final class OperatorCalls {
    private final Cluster cluster;
    private final BiConsumer<AgentId, Consumer<Answer>> gone;
    private final Views views;
    private final Metrics metrics;
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
        views = new Views(cluster);
        metrics = new Metrics(cluster);
        streams = new EventStreams(cluster, views);
        cluster.watch(streams);
    }

    /** Begins a stream of events. */
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
            default -> done.accept(ask(call));
        }
    }

    private Answer ask(Call call) {
        Optional<Response.Builder> response = response(call);
        if (response.isPresent()) {
            return Answer.of(response.get().build());
        }
        return Answer.refusal(501, "The call " + call.getType() + " is not there yet");
    }

    private Optional<Response.Builder> response(Call call) {
        Response.Builder response = Response.newBuilder();
        switch (call.getType()) {
            case GET_HEALTH ->
                    response.setType(Response.Type.GET_HEALTH)
                            .setGetHealth(Response.GetHealth.newBuilder().setHealthy(true));
            case GET_FLAGS -> response.setType(Response.Type.GET_FLAGS).setGetFlags(flags());
            case GET_VERSION ->
                    response.setType(Response.Type.GET_VERSION)
                            .setGetVersion(
                                    Response.GetVersion.newBuilder()
                                            .setVersionInfo(
                                                    VersionInfo.newBuilder()
                                                            .setVersion(
                                                                    cluster.settings().version())));
            case GET_METRICS ->
                    response.setType(Response.Type.GET_METRICS).setGetMetrics(metrics());
            case GET_STATE -> response.setType(Response.Type.GET_STATE).setGetState(views.state());
            case GET_AGENTS ->
                    response.setType(Response.Type.GET_AGENTS).setGetAgents(views.agents());
            case GET_FRAMEWORKS ->
                    response.setType(Response.Type.GET_FRAMEWORKS)
                            .setGetFrameworks(views.frameworks());
            case GET_EXECUTORS ->
                    response.setType(Response.Type.GET_EXECUTORS)
                            .setGetExecutors(views.executors());
            case GET_OPERATIONS ->
                    response.setType(Response.Type.GET_OPERATIONS)
                            .setGetOperations(Response.GetOperations.getDefaultInstance());
            case GET_TASKS -> response.setType(Response.Type.GET_TASKS).setGetTasks(views.tasks());
            case GET_ROLES ->
                    response.setType(Response.Type.GET_ROLES)
                            .setGetRoles(Response.GetRoles.newBuilder().addAllRoles(views.roles()));
            case GET_WEIGHTS ->
                    response.setType(Response.Type.GET_WEIGHTS).setGetWeights(weights());
            case GET_MASTER ->
                    response.setType(Response.Type.GET_MASTER)
                            .setGetMaster(
                                    Response.GetMaster.newBuilder()
                                            .setMasterInfo(cluster.settings().info())
                                            .setStartTime(cluster.startedNs() / 1e9)
                                            .setElectedTime(cluster.settings().electedNs() / 1e9));
            default -> {
                return Optional.empty();
            }
        }
        return Optional.of(response);
    }

    private Response.GetFlags flags() {
        Response.GetFlags.Builder flags = Response.GetFlags.newBuilder();
        new TreeMap<>(cluster.settings().flags())
                .forEach((name, value) ->
                        flags.addFlags(Flag.newBuilder().setName(name).setValue(value)));
        return flags.build();
    }

    private Response.GetMetrics metrics() {
        Response.GetMetrics.Builder all = Response.GetMetrics.newBuilder();
        metrics.all()
                .forEach((name, value) ->
                        all.addMetrics(Metric.newBuilder().setName(name).setValue(value)));
        return all.build();
    }

    private Response.GetWeights weights() {
        Response.GetWeights.Builder weights = Response.GetWeights.newBuilder();
        cluster.weights()
                .forEach((role, weight) ->
                        weights.addWeightInfos(
                                WeightInfo.newBuilder().setRole(role).setWeight(weight)));
        return weights.build();
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
