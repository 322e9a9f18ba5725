package dev.berth.master.operator;

import dev.berth.master.cluster.Moment;
import dev.berth.protocol.v1.Protos.Flag;
import dev.berth.protocol.v1.Protos.Metric;
import dev.berth.protocol.v1.Protos.VersionInfo;
import dev.berth.protocol.v1.Protos.WeightInfo;
import dev.berth.protocol.v1.master.Protos.Call;
import dev.berth.protocol.v1.master.Protos.Event;
import dev.berth.protocol.v1.master.Protos.Response;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.TreeMap;

/** All that can be read of one moment. Any one thread: not the conductor's, which has better to do. */
public final class Readings {
    private final Moment moment;
    private @Nullable Picture picture;

    public Readings(Moment moment) {
        this.moment = moment;
    }

    /** How much an answer costs. */
    public enum Size {
        /** It names nothing of which there are many. */
        SMALL,
        /** It walks all agents, frameworks or tasks. */
        WHOLE,
        /** The same, and needs {@link Moment#roles}. */
        WITH_ROLES
    }

    /**
     * Whether and how a call is answered by {@link #answer}.
     *
     * @throws IllegalArgumentException for one that is not
     */
    public static Size size(Call.Type type) {
        return switch (type) {
            case GET_HEALTH,
                    GET_FLAGS,
                    GET_VERSION,
                    GET_METRICS,
                    GET_OPERATIONS,
                    GET_WEIGHTS,
                    GET_MASTER ->
                    Size.SMALL;
            case GET_STATE, GET_AGENTS, GET_FRAMEWORKS, GET_EXECUTORS, GET_TASKS -> Size.WHOLE;
            case GET_ROLES -> Size.WITH_ROLES;
            default -> throw new IllegalArgumentException(type + " is no question");
        };
    }

    /** Whether a call is a question that {@link #answer} answers. */
    public static boolean answers(Call.Type type) {
        return switch (type) {
            case GET_HEALTH,
                    GET_FLAGS,
                    GET_VERSION,
                    GET_METRICS,
                    GET_OPERATIONS,
                    GET_WEIGHTS,
                    GET_MASTER,
                    GET_STATE,
                    GET_AGENTS,
                    GET_FRAMEWORKS,
                    GET_EXECUTORS,
                    GET_TASKS,
                    GET_ROLES ->
                    true;
            default -> false;
        };
    }

    /** What a page costs. */
    public static Size size(Page page) {
        return switch (page) {
            case STATE, STATE_SUMMARY, SLAVES, TASKS, FRAMEWORKS -> Size.WHOLE;
            case ROLES -> Size.WITH_ROLES;
            case METRICS_SNAPSHOT, VERSION, FLAGS, HEALTH -> Size.SMALL;
        };
    }

    private Picture picture() {
        Picture made = picture;
        if (made == null) {
            made = new Picture(moment);
            picture = made;
        }
        return made;
    }

    /**
     * The answer to a question of the operator API.
     *
     * @param type one that {@link #answers} is true for
     */
    public Response answer(Call.Type type) {
        Response.Builder response =
                Response.newBuilder().setType(Response.Type.valueOf(type.name()));
        switch (type) {
            case GET_HEALTH ->
                    response.setGetHealth(Response.GetHealth.newBuilder().setHealthy(true));
            case GET_FLAGS -> response.setGetFlags(flags());
            case GET_VERSION ->
                    response.setGetVersion(
                            Response.GetVersion.newBuilder()
                                    .setVersionInfo(
                                            VersionInfo.newBuilder()
                                                    .setVersion(moment.settings().version())));
            case GET_METRICS -> response.setGetMetrics(metrics());
            case GET_STATE -> response.setGetState(views().state());
            case GET_AGENTS -> response.setGetAgents(views().agents());
            case GET_FRAMEWORKS -> response.setGetFrameworks(views().frameworks());
            case GET_EXECUTORS -> response.setGetExecutors(views().executors());
            case GET_OPERATIONS ->
                    response.setGetOperations(Response.GetOperations.getDefaultInstance());
            case GET_TASKS -> response.setGetTasks(views().tasks());
            case GET_ROLES ->
                    response.setGetRoles(
                            Response.GetRoles.newBuilder().addAllRoles(Views.roles(moment)));
            case GET_WEIGHTS -> response.setGetWeights(weights());
            case GET_MASTER ->
                    response.setGetMaster(
                            Response.GetMaster.newBuilder()
                                    .setMasterInfo(moment.settings().info())
                                    .setStartTime(moment.startedNs() / 1e9)
                                    .setElectedTime(moment.settings().electedNs() / 1e9));
            default -> throw new IllegalArgumentException(type + " is no question");
        }
        return response.build();
    }

    /** What an operator's stream begins with. */
    public Event subscribed() {
        return Event.newBuilder()
                .setType(Event.Type.SUBSCRIBED)
                .setSubscribed(
                        Event.Subscribed.newBuilder()
                                .setGetState(views().state())
                                .setHeartbeatIntervalSeconds(EventStreams.HEARTBEAT_NS / 1e9))
                .build();
    }

    /** One of Mesos's older pages: JSON in UTF-8. */
    public byte[] page(Page page, PageQuery query) {
        return new Pages(moment, this::picture).json(page, query);
    }

    /** Metrics as Prometheus reads them: {@code text/plain; version=0.0.4}. */
    public byte[] prometheus() {
        return new Metrics(moment).prometheus().getBytes(StandardCharsets.UTF_8);
    }

    private Views views() {
        return new Views(moment, picture());
    }

    private Response.GetFlags flags() {
        Response.GetFlags.Builder flags = Response.GetFlags.newBuilder();
        new TreeMap<>(moment.settings().flags())
                .forEach((name, value) ->
                        flags.addFlags(Flag.newBuilder().setName(name).setValue(value)));
        return flags.build();
    }

    private Response.GetMetrics metrics() {
        Response.GetMetrics.Builder all = Response.GetMetrics.newBuilder();
        new Metrics(moment)
                .all()
                .forEach((name, value) ->
                        all.addMetrics(Metric.newBuilder().setName(name).setValue(value)));
        return all.build();
    }

    private Response.GetWeights weights() {
        Response.GetWeights.Builder weights = Response.GetWeights.newBuilder();
        moment.weights()
                .forEach((role, weight) ->
                        weights.addWeightInfos(
                                WeightInfo.newBuilder().setRole(role).setWeight(weight)));
        return weights.build();
    }
}
