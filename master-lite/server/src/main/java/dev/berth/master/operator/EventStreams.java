package dev.berth.master.operator;

import dev.berth.master.cluster.Agent;
import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.Count;
import dev.berth.master.cluster.Framework;
import dev.berth.master.cluster.OperatorStream;
import dev.berth.master.cluster.Task;
import dev.berth.master.cluster.Watcher;
import dev.berth.master.cluster.Wire;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.master.Protos.Event;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** Operators that follow what happens. One that does not read fast enough is cut off; nobody waits for it. */
final class EventStreams implements Watcher {
    static final long HEARTBEAT_NS = TimeUnit.SECONDS.toNanos(15);

    /** Mesos: {@code --max_operator_event_stream_subscribers}. The oldest makes place. */
    private static final int MOST = 1000;

    private static final Event HEARTBEAT = Event.newBuilder().setType(Event.Type.HEARTBEAT).build();

    private final Cluster cluster;
    private final Set<OperatorStream> streams = new LinkedHashSet<>();
    private long heartbeatAtNs = Long.MAX_VALUE;

    EventStreams(Cluster cluster) {
        this.cluster = cluster;
    }

    int size() {
        return streams.size();
    }

    void add(OperatorStream stream) {
        if (!stream.send(HEARTBEAT)) {
            cluster.counts().add(Count.STREAMS_CUT);
            stream.close();
            return;
        }
        if (streams.size() >= MOST) {
            OperatorStream oldest = streams.iterator().next();
            streams.remove(oldest);
            oldest.close();
        }
        streams.add(stream);
        if (streams.size() == 1) {
            heartbeatAtNs = cluster.nowNs() + HEARTBEAT_NS;
        }
    }

    void remove(OperatorStream stream) {
        streams.remove(stream);
    }

    /** Sends heartbeats that are due; answers when the next ones are. */
    long tick() {
        if (streams.isEmpty()) {
            heartbeatAtNs = Long.MAX_VALUE;
        } else if (heartbeatAtNs <= cluster.nowNs()) {
            heartbeatAtNs = cluster.nowNs() + HEARTBEAT_NS;
            send(() -> HEARTBEAT);
        }
        return heartbeatAtNs;
    }

    private void send(Supplier<Event> make) {
        if (!streams.isEmpty()) {
            Event event = make.get();
            send(stream -> stream.send(event));
        }
    }

    /** An event that adds up what a framework's tasks hold, which may be many: another thread does it, once for all streams. */
    private void later(Framework framework, Function<FrameworkPart, Event> make) {
        if (!streams.isEmpty()) {
            FrameworkPart part = FrameworkPart.of(cluster, framework);
            Supplier<Event> once = new Once<>(() -> make.apply(part));
            send(stream -> stream.sendLater(once));
        }
    }

    private void send(Predicate<OperatorStream> send) {
        for (OperatorStream stream : List.copyOf(streams)) {
            if (!send.test(stream)) {
                cluster.counts().add(Count.STREAMS_CUT);
                streams.remove(stream);
                stream.close();
            }
        }
    }

    private static Event.Builder event(Event.Type type) {
        return Event.newBuilder().setType(type);
    }

    @Override
    public void onTaskAdded(Task task) {
        send(() ->
                event(Event.Type.TASK_ADDED)
                        .setTaskAdded(Event.TaskAdded.newBuilder().setTask(task.value()))
                        .build());
    }

    @Override
    public void onTaskUpdated(Task task, TaskStatus status) {
        send(() ->
                event(Event.Type.TASK_UPDATED)
                        .setTaskUpdated(
                                Event.TaskUpdated.newBuilder()
                                        .setFrameworkId(Wire.frameworkId(task.framework()))
                                        .setStatus(status.toBuilder().clearData())
                                        .setState(task.state()))
                        .build());
    }

    @Override
    public void onAgentAdded(Agent agent) {
        send(() ->
                event(Event.Type.AGENT_ADDED)
                        .setAgentAdded(
                                Event.AgentAdded.newBuilder()
                                        .setAgent(
                                                Views.agent(
                                                        cluster.settings(), AgentPart.of(agent))))
                        .build());
    }

    @Override
    public void onAgentRemoved(Agent agent) {
        send(() ->
                event(Event.Type.AGENT_REMOVED)
                        .setAgentRemoved(
                                Event.AgentRemoved.newBuilder()
                                        .setAgentId(Wire.agentId(agent.id())))
                        .build());
    }

    @Override
    public void onFrameworkAdded(Framework framework) {
        later(
                framework,
                part ->
                        event(Event.Type.FRAMEWORK_ADDED)
                                .setFrameworkAdded(
                                        Event.FrameworkAdded.newBuilder()
                                                .setFramework(Views.framework(part)))
                                .build());
    }

    @Override
    public void onFrameworkUpdated(Framework framework) {
        later(
                framework,
                part ->
                        event(Event.Type.FRAMEWORK_UPDATED)
                                .setFrameworkUpdated(
                                        Event.FrameworkUpdated.newBuilder()
                                                .setFramework(Views.framework(part)))
                                .build());
    }

    @Override
    public void onFrameworkRemoved(Framework framework) {
        send(() ->
                event(Event.Type.FRAMEWORK_REMOVED)
                        .setFrameworkRemoved(
                                Event.FrameworkRemoved.newBuilder()
                                        .setFrameworkInfo(framework.info()))
                        .build());
    }
}
