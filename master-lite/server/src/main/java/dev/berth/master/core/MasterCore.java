package dev.berth.master.core;

import dev.berth.master.allocator.Allocator;
import dev.berth.master.allocator.AllocatorOptions;
import dev.berth.master.allocator.DrfAllocator;
import dev.berth.master.cluster.AgentLink;
import dev.berth.master.cluster.Answer;
import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.FrameworkStream;
import dev.berth.master.cluster.MasterSettings;
import dev.berth.master.cluster.Moment;
import dev.berth.master.cluster.OperatorStream;
import dev.berth.master.cluster.Registry;
import dev.berth.master.operator.OperatorCalls;
import dev.berth.master.scheduler.SchedulerCalls;
import dev.berth.master.scheduler.Subscriptions;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.v1.scheduler.Protos.Call;

import java.util.Optional;
import java.util.function.Consumer;

/**
 * A leading master's state machine: what the agents have, who is offered it and who has it. It exists from the moment that the registry is read; before, and on masters that do not lead, the transport answers 503 or 307
 * alone.
 *
 * <p>Conductor thread only. No method blocks or does I/O. {@code nowNs} is nanoseconds since the Unix epoch of a clock that never goes back (the monotonic clock plus an offset taken once): it serves both for timers and
 * for the times that messages carry. Streams and links may be called back into at any time within a method; they must not call the core from there.
 */
public final class MasterCore {
    private final Cluster cluster;
    private final Subscriptions subscriptions;
    private final SchedulerCalls scheduler;
    private final OperatorCalls operator;
    private final AgentSessions agents;

    /**
     * A core that leads from now on.
     *
     * @param registry whose contents are {@code contents}; its answers come on the conductor thread, outside of any method of this type
     */
    public MasterCore(
            MasterSettings settings, Registry registry, Registry.Contents contents, long nowNs) {
        this(
                settings,
                registry,
                contents,
                new DrfAllocator(AllocatorOptions.defaults(settings.info().getId().hashCode())),
                nowNs);
    }

    /** The same, with an allocator of the caller's. */
    public MasterCore(
            MasterSettings settings,
            Registry registry,
            Registry.Contents contents,
            Allocator allocator,
            long nowNs) {
        cluster = new Cluster(settings, registry, contents, allocator, nowNs);
        subscriptions = new Subscriptions(cluster);
        scheduler = new SchedulerCalls(cluster);
        agents = new AgentSessions(cluster);
        operator = new OperatorCalls(cluster, agents.departures()::gone);
    }

    /** What the core knows; for tests. */
    Cluster cluster() {
        return cluster;
    }

    /**
     * A scheduler's SUBSCRIBE.
     *
     * @param call of type SUBSCRIBE, as parsed
     * @param principal who the client has proved to be, where it proved anything
     * @return 200 when {@code stream} has begun (its first event may be ERROR, and its end), 400 when the call is malformed and {@code stream} was not touched
     */
    public Answer subscribe(
            Call call, Optional<String> principal, FrameworkStream stream, long nowNs) {
        cluster.at(nowNs);
        return subscriptions.subscribe(call, principal, stream);
    }

    /** Any other scheduler call; {@code streamId} is the header {@code Mesos-Stream-Id}. */
    public Answer call(
            Call call, Optional<String> streamId, Optional<String> principal, long nowNs) {
        cluster.at(nowNs);
        return scheduler.call(call, streamId, principal);
    }

    /** The client of a subscription went away. */
    public void streamClosed(FrameworkStream stream, long nowNs) {
        cluster.at(nowNs);
        subscriptions.closed(stream);
    }

    /**
     * An operator's order. What is only asked is answered from a {@link #moment}.
     *
     * @param done is told the answer exactly once: before this returns, or once the registry has answered
     */
    public void operator(
            dev.berth.protocol.v1.master.Protos.Call call, Consumer<Answer> done, long nowNs) {
        cluster.at(nowNs);
        operator.call(call, done);
    }

    /** An operator's SUBSCRIBE: the stream is told what happens from now on. A {@link #moment} taken before anything else happens is what comes before that. */
    public void subscribeOperator(OperatorStream stream, long nowNs) {
        cluster.at(nowNs);
        operator.subscribe(stream);
    }

    /** The client of an operator's stream went away. */
    public void operatorClosed(OperatorStream stream) {
        operator.closed(stream);
    }

    /** The first message of an agent's connection. The answer, Registered or Refused, is sent on the link, at once or after the registry's. */
    public void agentOpened(AgentLink link, Link.Register register, long nowNs) {
        cluster.at(nowNs);
        agents.opened(link, register);
    }

    /** Any later message of an agent. Messages on a link that the core has closed or never opened are ignored. */
    public void agentSaid(AgentLink link, Link.FromAgent message, long nowNs) {
        cluster.at(nowNs);
        agents.said(link, message);
    }

    /** An agent's connection broke. */
    public void agentClosed(AgentLink link, long nowNs) {
        cluster.at(nowNs);
        agents.closed(link);
    }

    /**
     * Does what is due: offers, heartbeats, time-outs. To be called after the other methods, and when its answer says.
     *
     * @return when it wants to be called again, if nothing else happens; {@link Long#MAX_VALUE} for never
     */
    public long tick(long nowNs) {
        cluster.at(nowNs);
        agents.tick();
        subscriptions.tick();
        cluster.offers().send();
        return Math.min(cluster.nextDeadline(), operator.tick());
    }

    /**
     * Everything as it is now, to be read by other threads with {@link dev.berth.master.operator.Readings}.
     *
     * @param roles whether roles are asked for too
     */
    public Moment moment(boolean roles, long nowNs) {
        cluster.at(nowNs);
        return cluster.moment(roles);
    }
}
