package dev.berth.master.operator;

import dev.berth.master.cluster.Answer;
import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.OperatorStream;
import dev.berth.protocol.v1.master.Protos.Call;
import dev.berth.protocol.v1.master.Protos.Event;
import dev.berth.protocol.v1.master.Protos.Response;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.Consumer;

/** The operator API. */
public final class OperatorCalls {
    private final Cluster cluster;
    private final Set<OperatorStream> streams = new LinkedHashSet<>();

    public OperatorCalls(Cluster cluster) {
        this.cluster = cluster;
    }

    /** Answers a call, once. */
    public void call(Call call, Consumer<Answer> done) {
        switch (call.getType()) {
            case GET_HEALTH ->
                    done.accept(
                            Answer.of(
                                    Response.newBuilder()
                                            .setType(Response.Type.GET_HEALTH)
                                            .setGetHealth(
                                                    Response.GetHealth.newBuilder()
                                                            .setHealthy(true))
                                            .build()));
            default -> done.accept(Answer.refusal(501, call.getType() + " is not there yet"));
        }
    }

    /** Begins a stream of events. */
    public void subscribe(OperatorStream stream) {
        streams.add(stream);
        stream.send(
                Event.newBuilder()
                        .setType(Event.Type.SUBSCRIBED)
                        .setSubscribed(
                                Event.Subscribed.newBuilder().setHeartbeatIntervalSeconds(15))
                        .build());
    }

    /** The client went away. */
    public void closed(OperatorStream stream) {
        streams.remove(stream);
    }

    /** Heartbeats that are due. */
    public void tick() {}
}
