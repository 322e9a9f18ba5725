package dev.berth.master.cluster;

import dev.berth.master.allocator.Allocator;
import dev.berth.master.allocator.Role;
import dev.berth.master.cluster.AgentRecord.Standing;
import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.FrameworkId;
import dev.berth.master.resources.Resources;
import dev.berth.protocol.TaskStates;
import dev.berth.protocol.link.Link.FromMaster;
import dev.berth.protocol.v1.Protos.AgentInfo;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Everything that a leading master knows, and the steps that keep it consistent. */
public final class Cluster {
    /** Ended frameworks that are kept. */
    private static final int KEPT_FRAMEWORKS = 50;

    private final MasterSettings settings;
    private final Registry registry;
    private final long startedNs;
    private long nowNs;
    private final Ids ids;

    private final Allocator allocator;
    private final Offers offers;
    private final Tasks tasks;
    private final Counts counts = new Counts();
    private Watcher watcher = new Unwatched();
    private final Due frameworksDue = new Due(Long.MAX_VALUE);
    private final Due agentsDue = new Due(0);
    private final Board board = new Board();

    private final Map<String, Double> weights = new TreeMap<>();
    private final Set<Framework> cutFrameworks = new LinkedHashSet<>();
    private final Set<Agent> cutAgents = new LinkedHashSet<>();
    private final Map<FrameworkId, Framework> frameworks = new LinkedHashMap<>();
    private final Map<FrameworkId, Framework> completed = new LinkedHashMap<>();
    private final Map<AgentId, Agent> agents = new LinkedHashMap<>();
    private final Map<AgentId, AgentRecord> recovered = new LinkedHashMap<>();
    private final Map<AgentId, AgentRecord> unreachable = new LinkedHashMap<>();
    private final Map<AgentId, AgentRecord> gone = new LinkedHashMap<>();

    /** The cluster as the registry has it: agents may come back, nobody is subscribed. */
    public Cluster(
            MasterSettings settings,
            Registry registry,
            Registry.Contents contents,
            Allocator allocator,
            long nowNs) {
        this.settings = settings;
        ids = new Ids(settings.info().getId());
        this.registry = registry;
        this.allocator = allocator;
        this.nowNs = nowNs;
        offers = new Offers(this, allocator);
        tasks = new Tasks(this, allocator);
        startedNs = nowNs;
        weigh(contents.weights());
        for (AgentRecord agent : contents.agents()) {
            byStanding(agent.standing()).put(agent.id(), agent);
        }
    }

    private Map<AgentId, AgentRecord> byStanding(Standing standing) {
        return switch (standing) {
            case ADMITTED -> recovered;
            case UNREACHABLE -> unreachable;
            case GONE -> gone;
        };
    }

    public MasterSettings settings() {
        return settings;
    }

    public Registry registry() {
        return registry;
    }

    public long startedNs() {
        return startedNs;
    }

    /** The time of what is being done. */
    public long nowNs() {
        return nowNs;
    }

    /** Sets the time of what is done next. Time does not go back: an earlier one leaves it as it is. */
    public void at(long ns) {
        nowNs = Math.max(nowNs, ns);
    }

    public Collection<Framework> frameworks() {
        return Collections.unmodifiableCollection(frameworks.values());
    }

    public Optional<Framework> framework(FrameworkId id) {
        return Optional.ofNullable(frameworks.get(id));
    }

    public Optional<Framework> completed(FrameworkId id) {
        return Optional.ofNullable(completed.get(id));
    }

    public Collection<Agent> agents() {
        return Collections.unmodifiableCollection(agents.values());
    }

    public Optional<Agent> agent(AgentId id) {
        return Optional.ofNullable(agents.get(id));
    }

    /** Agents of the registry that have not come since this master leads. */
    public Map<AgentId, AgentRecord> recovered() {
        return Collections.unmodifiableMap(recovered);
    }

    public Map<AgentId, AgentRecord> unreachable() {
        return Collections.unmodifiableMap(unreachable);
    }

    public Map<AgentId, AgentRecord> gone() {
        return Collections.unmodifiableMap(gone);
    }

    /** An id that no framework has, or had as far as it is remembered. */
    public FrameworkId newFrameworkId() {
        return ids.framework(id -> frameworks.containsKey(id) || completed.containsKey(id));
    }

    /** An id that no agent has, or had as far as it is remembered. */
    public AgentId newAgentId() {
        return ids.agent(id ->
                agents.containsKey(id)
                        || Stream.of(recovered, unreachable, gone)
                                .anyMatch(known -> known.containsKey(id)));
    }

    /**
     * Everything as it is now, at the price of a few references for each framework and open offer.
     *
     * @param roles whether roles are asked for too: they are added up anew
     */
    public Moment moment(boolean roles) {
        return board.moment(this, roles);
    }

    public Counts counts() {
        return counts;
    }

    public Offers offers() {
        return offers;
    }

    public Tasks tasks() {
        return tasks;
    }

    public Allocator allocator() {
        return allocator;
    }

    public Watcher watcher() {
        return watcher;
    }

    /** Who is told what changes from now on. */
    public void watch(Watcher next) {
        watcher = next;
    }

    /** Weights that were set, by role. */
    public Map<String, Double> weights() {
        return Collections.unmodifiableMap(weights);
    }

    /** The registry has these weights now. Offers of these roles are withdrawn, so that they are dealt anew. */
    public void weigh(Map<String, Double> changed) {
        weights.putAll(changed);
        Map<Role, Double> byRole = new LinkedHashMap<>();
        changed.forEach((role, weight) -> byRole.put(new Role(role), weight));
        allocator.updateWeights(byRole);
        offers.rescind(
                offers.open().stream()
                        .filter(offer -> changed.containsKey(offer.role().path()))
                        .toList());
    }

    /** Queues an event for a framework that is subscribed; one that is too far behind is let go at the next {@link #cut}. */
    public void send(Framework framework, Event event) {
        if (framework.isConnected() && !framework.send(event)) {
            cutFrameworks.add(framework);
        }
    }

    /** Queues a message for an agent whose link stands; one that is too far behind is let go at the next {@link #cut}. */
    public void send(Agent agent, FromMaster message) {
        if (agent.link().isPresent() && !agent.send(message)) {
            cutAgents.add(agent);
        }
    }

    /**
     * Lets go of all that were too far behind.
     *
     * @return agents whose links the caller has to forget
     */
    public List<Agent> cut() {
        List<Agent> agentsCut = List.copyOf(cutAgents);
        while (!cutFrameworks.isEmpty()) {
            List<Framework> frameworksCut = List.copyOf(cutFrameworks);
            cutFrameworks.clear();
            for (Framework framework : frameworksCut) {
                counts.add(Count.STREAMS_CUT);
                framework.stream().ifPresent(FrameworkStream::close);
                disconnect(framework);
            }
        }
        cutAgents.clear();
        return agentsCut;
    }

    /** Adds a framework that nobody is subscribed for yet. */
    public Framework addFramework(
            FrameworkId id, FrameworkInfo info, Set<String> suppressed, boolean known) {
        Framework framework = new Framework(board, id, info, known, nowNs);
        framework.update(info, suppressed);
        frameworks.put(id, framework);
        allocator.addFramework(Capabilities.spec(framework), false);
        if (known) {
            double timeoutNs = Math.min(info.getFailoverTimeout() * 1e9, Long.MAX_VALUE / 4.0);
            teardown(framework, nowNs + Math.max((long) timeoutNs, settings.agentReregisterNs()));
            watcher.onFrameworkAdded(framework);
        }
        return framework;
    }

    /**
     * A stream is now a framework's: it is offered what there is. The caller has sent what comes first.
     *
     * @param again whether the framework was there before, here or at another master
     * @param isNew whether it was added for this stream: operators hear of it now, when it is connected
     */
    public void connect(Framework framework, FrameworkStream stream, boolean again, boolean isNew) {
        framework.connected(stream, again, nowNs);
        // It was the stream before that was too far behind.
        cutFrameworks.remove(framework);
        allocator.activateFramework(framework.id());
        if (isNew) {
            watcher.onFrameworkAdded(framework);
        } else {
            watcher.onFrameworkUpdated(framework);
        }
        if (again) {
            // Agents send what is not acknowledged again: now there is somebody to acknowledge it.
            FromMaster news = Messages.updateFramework(framework.info());
            agentsOf(framework).forEach(agent -> send(agent, news));
        }
    }

    /** A framework takes new facts about itself, and wants no offers for {@code suppressed}. */
    public void update(Framework framework, FrameworkInfo info, Set<String> suppressed) {
        framework.update(info, suppressed);
        allocator.updateFramework(Capabilities.spec(framework));
    }

    /** A framework wants no offers for some of its roles. */
    public void suppress(Framework framework, Set<String> roles) {
        framework.suppress(roles);
        allocator.suppress(framework.id(), Capabilities.roles(roles));
    }

    /** A framework wants offers for some of its roles, whatever it refused before. */
    public void revive(Framework framework, Set<String> roles) {
        framework.revive(roles);
        allocator.revive(framework.id(), Capabilities.roles(roles));
    }

    /** A framework's stream is gone: it is torn down when it stays away for its fail-over timeout. */
    public void disconnect(Framework framework) {
        if (!framework.isConnected()) {
            return;
        }
        double timeoutNs = framework.info().getFailoverTimeout() * 1e9;
        framework.disconnected();
        teardown(framework, nowNs + (long) Math.min(timeoutNs, Long.MAX_VALUE / 4.0));
        allocator.deactivateFramework(framework.id());
        discardOffers(framework);
        watcher.onFrameworkUpdated(framework);
    }

    private void teardown(Framework framework, long atNs) {
        framework.teardownAt(atNs);
        frameworksDue.by(atNs);
    }

    /** Takes all of a framework's offers back, without a word. */
    public void discardOffers(Framework framework) {
        for (OpenOffer offer : List.copyOf(framework.offers())) {
            offers.discard(offer, OptionalLong.empty());
        }
    }

    /** Agents that a framework has something on. */
    public Set<Agent> agentsOf(Framework framework) {
        Set<Agent> found = new LinkedHashSet<>();
        for (Task task : framework.live().values()) {
            agent(task.agent()).ifPresent(found::add);
        }
        for (AgentId id : framework.executorAgents()) {
            agent(id).ifPresent(found::add);
        }
        return found;
    }

    /** A framework is over: its tasks are killed, its stream ends. */
    public void removeFramework(Framework framework) {
        discardOffers(framework);
        Set<Agent> where = agentsOf(framework);
        framework.stream().ifPresent(FrameworkStream::close);
        framework.unregistered(nowNs);
        cutFrameworks.remove(framework);
        for (Agent agent : where) {
            send(agent, Messages.shutdownFramework(Wire.frameworkId(framework.id())));
        }
        for (Task task : List.copyOf(framework.live().values())) {
            Agent agent = agent(task.agent()).orElseThrow();
            if (TaskStates.isTerminal(task.state())) {
                tasks.complete(framework, agent, task);
            } else {
                tasks.end(
                        framework,
                        agent,
                        task,
                        Statuses.of(
                                        task.id(),
                                        Optional.of(agent.id()),
                                        TaskState.TASK_KILLED,
                                        TaskStatus.Reason.REASON_FRAMEWORK_REMOVED,
                                        "Framework " + framework.id() + " removed",
                                        nowNs)
                                .build());
            }
        }
        for (Agent agent : where) {
            for (ExecutorUse executor : List.copyOf(agent.executors().values())) {
                if (executor.framework().equals(framework.id())) {
                    tasks.exited(framework, agent, executor);
                }
            }
        }
        for (Task task : List.copyOf(framework.unreachable().values())) {
            framework.addCompleted(task);
        }
        allocator.removeFramework(framework.id());
        frameworks.remove(framework.id());
        completed.put(framework.id(), framework);
        if (completed.size() > KEPT_FRAMEWORKS) {
            Iterator<Framework> oldest = completed.values().iterator();
            oldest.next().forgotten();
            oldest.remove();
        }
        watcher.onFrameworkRemoved(framework);
    }

    /** Ended frameworks that are remembered. */
    public Collection<Framework> completedFrameworks() {
        return Collections.unmodifiableCollection(completed.values());
    }

    /** The registry has admitted an agent, or had it. */
    public Agent addAgent(AgentId id, AgentInfo info, Resources total, AgentLink link) {
        recovered.remove(id);
        unreachable.remove(id);
        Agent agent = new Agent(board, id, info, total, link, nowNs);
        agents.put(id, agent);
        allocator.addAgent(id, total, List.of());
        return agent;
    }

    /** A registered agent has a new connection. */
    public void connect(Agent agent, AgentLink link) {
        agent.connected(link, nowNs);
        allocator.activateAgent(agent.id());
    }

    /** A registered agent has lost its connection: nothing of it is offered until it is back. */
    public void disconnect(Agent agent) {
        agent.disconnected();
        allocator.deactivateAgent(agent.id());
        offers.rescind(agent.offers());
        cutAgents.remove(agent);
    }

    /** An agent has other resources or attributes: what was offered of it is withdrawn. */
    public void describe(Agent agent, AgentInfo info, Resources total) {
        if (agent.info().equals(info) && agent.total().equals(total)) {
            return;
        }
        offers.rescind(agent.offers());
        if (!agent.info().getAttributesList().equals(info.getAttributesList())) {
            // Who refused it may have done so for want of an attribute, and would not hear of it.
            allocator.endRefusals(agent.id());
        }
        agent.describe(info, total);
        allocator.updateAgent(agent.id(), total);
    }

    /**
     * An agent is not registered any more, and nothing of it is left: the caller has ended its tasks.
     *
     * @param record how it stands from now on; empty when it is forgotten
     */
    public void removeAgent(Agent agent, Optional<AgentRecord> record) {
        for (ExecutorUse executor : List.copyOf(agent.executors().values())) {
            framework(executor.framework())
                    .ifPresent(framework -> tasks.exited(framework, agent, executor));
        }
        agents.remove(agent.id());
        agent.forgotten();
        cutAgents.remove(agent);
        allocator.removeAgent(agent.id());
        record.ifPresent(this::stands);
        watcher.onAgentRemoved(agent);
    }

    /** An agent that is not registered stands so from now on. */
    public void stands(AgentRecord record) {
        recovered.remove(record.id());
        unreachable.remove(record.id());
        gone.remove(record.id());
        byStanding(record.standing()).put(record.id(), record);
    }

    /** An agent that is not registered is not remembered any more either. */
    public void forget(AgentId id) {
        unreachable.remove(id);
        gone.remove(id);
    }

    /** What is written of an agent that stands so from now on. */
    public AgentRecord record(AgentInfo info, Standing standing) {
        return new AgentRecord(
                Wire.agentId(info.getId()),
                standing,
                info.getHostname(),
                nowNs,
                info.toByteArray());
    }

    /** When frameworks have to be looked through: heartbeats, and those that stayed away. */
    public boolean frameworksAreDue() {
        return frameworksDue.take(nowNs);
    }

    /** Frameworks have to be looked through then at the latest. */
    public void frameworksDueAt(long ns) {
        frameworksDue.by(ns);
    }

    /** When agents have to be looked through: heartbeats and silence. */
    public boolean agentsAreDue() {
        return agentsDue.take(nowNs);
    }

    /** Agents have to be looked through then at the latest. */
    public void agentsDueAt(long ns) {
        agentsDue.by(ns);
    }

    /** When something is due of itself next. */
    public long nextDeadline() {
        if (!cutFrameworks.isEmpty() || !cutAgents.isEmpty()) {
            return nowNs;
        }
        return Math.min(Math.min(frameworksDue.atNs(), agentsDue.atNs()), offers.dueNs());
    }
}
