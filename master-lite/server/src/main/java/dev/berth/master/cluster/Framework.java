package dev.berth.master.cluster;

import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.ExecutorId;
import dev.berth.master.ids.FrameworkId;
import dev.berth.master.ids.TaskId;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import org.jspecify.annotations.Nullable;

import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A framework: who it is, its stream while it is subscribed, and its tasks. */
public final class Framework {
    /** Ended and unreachable tasks that are kept of one framework, each. */
    static final int KEPT_TASKS = 1000;

    /** What tells ended tasks apart: a name may be used again, also on another agent. */
    private record Where(TaskId task, AgentId agent) {
        static Where of(Task task) {
            return new Where(task.id(), task.agent());
        }
    }

    private final Board board;
    private final FrameworkId id;
    private FrameworkInfo info;
    private Set<String> roles;
    private Set<String> suppressed = Set.of();
    private Optional<FrameworkStream> stream = Optional.empty();
    private boolean recovered;
    private final long registeredNs;
    private Optional<Long> reregisteredNs = Optional.empty();
    private Optional<Long> unregisteredNs = Optional.empty();
    private long teardownAtNs = Long.MAX_VALUE;
    private long heartbeatAtNs = Long.MAX_VALUE;

    private final Map<TaskId, Task> live = new LinkedHashMap<>();
    private final Map<TaskId, Task> unreachable = new LinkedHashMap<>();
    private final Map<Where, Task> completed = new LinkedHashMap<>();
    private final Set<OpenOffer> offers = new LinkedHashSet<>();
    private final Map<AgentId, Set<ExecutorId>> executors = new HashMap<>();

    /** A framework that nobody is subscribed for yet. */
    Framework(Board board, FrameworkId id, FrameworkInfo info, boolean recovered, long nowNs) {
        this.board = board;
        this.id = id;
        this.info = info;
        this.roles = Capabilities.roles(info);
        this.recovered = recovered;
        registeredNs = nowNs;
    }

    /** As it is now, without what it has. */
    public FrameworkFacts facts() {
        return new FrameworkFacts(
                id,
                info,
                Collections.unmodifiableSet(roles),
                Collections.unmodifiableSet(suppressed),
                stream.isPresent(),
                recovered,
                registeredNs,
                reregisteredNs,
                unregisteredNs);
    }

    public FrameworkId id() {
        return id;
    }

    public FrameworkInfo info() {
        return info;
    }

    /** Roles that it is subscribed for. */
    public Set<String> roles() {
        return roles;
    }

    /** Roles that it wants no offers for. */
    public Set<String> suppressed() {
        return suppressed;
    }

    public Optional<FrameworkStream> stream() {
        return stream;
    }

    public boolean isConnected() {
        return stream.isPresent();
    }

    /** Whether the master knows it from agents only. */
    public boolean isRecovered() {
        return recovered;
    }

    public boolean has(FrameworkInfo.Capability.Type capability) {
        return Capabilities.has(info, capability);
    }

    public long registeredNs() {
        return registeredNs;
    }

    public Optional<Long> reregisteredNs() {
        return reregisteredNs;
    }

    public Optional<Long> unregisteredNs() {
        return unregisteredNs;
    }

    /** When it is torn down, should it not come back; {@link Long#MAX_VALUE} for never. */
    public long teardownAtNs() {
        return teardownAtNs;
    }

    public long heartbeatAtNs() {
        return heartbeatAtNs;
    }

    public Map<TaskId, Task> live() {
        return Collections.unmodifiableMap(live);
    }

    public Map<TaskId, Task> unreachable() {
        return Collections.unmodifiableMap(unreachable);
    }

    public Collection<Task> completed() {
        return Collections.unmodifiableCollection(completed.values());
    }

    public Set<OpenOffer> offers() {
        return Collections.unmodifiableSet(offers);
    }

    /** Agents that it has executors on. */
    public Set<AgentId> executorAgents() {
        return Collections.unmodifiableSet(executors.keySet());
    }

    /** Its executors on one agent. */
    public Set<ExecutorId> executors(AgentId agent) {
        return Collections.unmodifiableSet(executors.getOrDefault(agent, Set.of()));
    }

    /**
     * Queues an event on its stream.
     *
     * @return false when it is not subscribed, or too far behind
     */
    boolean send(Event event) {
        return stream.isPresent() && stream.get().send(event);
    }

    void update(FrameworkInfo info, Set<String> suppressed) {
        this.info = info;
        this.roles = Capabilities.roles(info);
        this.suppressed = new LinkedHashSet<>(suppressed);
    }

    void suppress(Collection<String> more) {
        Set<String> next = new LinkedHashSet<>(suppressed);
        next.addAll(more);
        suppressed = next;
    }

    void revive(Collection<String> some) {
        Set<String> next = new LinkedHashSet<>(suppressed);
        next.removeAll(some);
        suppressed = next;
    }

    void connected(FrameworkStream next, boolean again, long nowNs) {
        stream = Optional.of(next);
        recovered = false;
        teardownAtNs = Long.MAX_VALUE;
        if (again) {
            reregisteredNs = Optional.of(nowNs);
        }
    }

    void disconnected() {
        stream = Optional.empty();
        heartbeatAtNs = Long.MAX_VALUE;
    }

    /** The next heartbeat is due then. */
    public void heartbeatAt(long ns) {
        heartbeatAtNs = ns;
    }

    /** Is torn down then, should nobody subscribe. */
    void teardownAt(long ns) {
        teardownAtNs = ns;
    }

    void unregistered(long nowNs) {
        stream = Optional.empty();
        unregisteredNs = Optional.of(nowNs);
    }

    void add(OpenOffer offer) {
        offers.add(offer);
    }

    void remove(OpenOffer offer) {
        offers.remove(offer);
    }

    void addExecutor(AgentId agent, ExecutorId executor) {
        executors.computeIfAbsent(agent, _ -> new LinkedHashSet<>()).add(executor);
    }

    void removeExecutor(AgentId agent, ExecutorId executor) {
        Set<ExecutorId> there = executors.get(agent);
        if (there != null && there.remove(executor) && there.isEmpty()) {
            executors.remove(agent);
        }
    }

    /** Puts a task where its state says, and takes it from wherever it was. */
    void addLive(Task task) {
        unreachable.remove(task.id(), task);
        displace(completed.remove(Where.of(task)), task);
        displace(live.remove(task.id()), task);
        live.put(task.id(), task);
        task.at(board, TaskFacts.Place.LIVE);
    }

    void addUnreachable(Task task) {
        live.remove(task.id(), task);
        displace(unreachable.remove(task.id()), task);
        unreachable.put(task.id(), task);
        task.at(board, TaskFacts.Place.UNREACHABLE);
        dropOldest(unreachable);
    }

    void forgetUnreachable(Task task) {
        if (unreachable.remove(task.id(), task)) {
            task.forgotten();
        }
    }

    void addCompleted(Task task) {
        live.remove(task.id(), task);
        unreachable.remove(task.id(), task);
        Where where = Where.of(task);
        displace(completed.remove(where), task);
        completed.put(where, task);
        task.at(board, TaskFacts.Place.COMPLETED);
        dropOldest(completed);
    }

    /** Another task of the same name takes its place. */
    private static void displace(@Nullable Task before, Task by) {
        if (before != null && before != by) {
            before.forgotten();
        }
    }

    private static void dropOldest(Map<?, Task> tasks) {
        if (tasks.size() > KEPT_TASKS) {
            Iterator<Task> oldest = tasks.values().iterator();
            oldest.next().forgotten();
            oldest.remove();
        }
    }

    /** It ended long ago, and nobody is told of it or its tasks any more. */
    void forgotten() {
        live.values().forEach(Task::forgotten);
        unreachable.values().forEach(Task::forgotten);
        completed.values().forEach(Task::forgotten);
    }
}
