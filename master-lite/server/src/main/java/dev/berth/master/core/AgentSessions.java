package dev.berth.master.core;

import dev.berth.master.cluster.Agent;
import dev.berth.master.cluster.AgentLink;
import dev.berth.master.cluster.AgentRecord.Standing;
import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.Count;
import dev.berth.master.cluster.ExecutorUse;
import dev.berth.master.cluster.Messages;
import dev.berth.master.cluster.Registry;
import dev.berth.master.cluster.ResourceException;
import dev.berth.master.cluster.ResourceWire;
import dev.berth.master.cluster.Wire;
import dev.berth.master.ids.AgentId;
import dev.berth.master.resources.Resources;
import dev.berth.master.scheduler.Names;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.link.Link.FromMaster;
import dev.berth.protocol.v1.Protos.AgentInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Agents' connections: registration, what agents say, heartbeats and silence. */
final class AgentSessions {
    private static final int PROTOCOL = 1;

    /** Heartbeats and silence are noticed so late at most. */
    private static final long LOOK_GAP_NS = 50_000_000L;

    /** A store must be able to hold it, and thousands of it. */
    private static final int MOST_INFO_BYTES = 256 << 10;

    /** A registration that waits for the registry. */
    private record Admission(
            AgentLink link, Link.Register register, AgentInfo info, Resources total) {}

    private final Cluster cluster;
    private final AgentReports reports;
    private final Departures departures;
    private final Map<AgentLink, Agent> byLink = new HashMap<>();
    private final Map<AgentId, Admission> admissions = new HashMap<>();

    AgentSessions(Cluster cluster) {
        this.cluster = cluster;
        departures = new Departures(cluster, byLink::remove);
        reports = new AgentReports(cluster);
    }

    /** How agents stop being registered. */
    Departures departures() {
        return departures;
    }

    void opened(AgentLink link, Link.Register register) {
        AgentInfo info = register.getAgentInfo();
        Optional<String> problem = problem(register);
        if (problem.isPresent()) {
            refuse(link, problem.get(), false);
            return;
        }
        Resources total;
        try {
            total = ResourceWire.read(info.getResourcesList());
            if (total.isEmpty()) {
                throw new ResourceException("the agent has no resources");
            }
        } catch (ResourceException e) {
            refuse(link, e.reason(), false);
            return;
        }
        if (info.hasId()) {
            again(link, register, total, Wire.agentId(info.getId()));
        } else {
            AgentId id = cluster.newAgentId();
            admit(
                    new Admission(
                            link,
                            register,
                            info.toBuilder().setId(Wire.agentId(id)).build(),
                            total));
        }
    }

    private static Optional<String> problem(Link.Register register) {
        AgentInfo info = register.getAgentInfo();
        if (register.getProtocol() != PROTOCOL) {
            return Optional.of(
                    "the agent speaks protocol "
                            + register.getProtocol()
                            + ", the master "
                            + PROTOCOL
                            + ": use the same version of Berth on both");
        }
        if (info.getHostname().isEmpty()) {
            return Optional.of("the agent has no hostname");
        }
        if (info.getSerializedSize() > MOST_INFO_BYTES) {
            return Optional.of(
                    "the agent's resources and attributes take "
                            + info.getSerializedSize()
                            + " bytes, and may take "
                            + MOST_INFO_BYTES);
        }
        if (info.hasId()) {
            return Names.id(info.getId().getValue())
                    .map(text -> "the agent's id is invalid: " + text);
        }
        return Optional.empty();
    }

    private void refuse(AgentLink link, String message, boolean retry) {
        cluster.settings()
                .chronicle()
                .warn("an agent from " + link.peerAddress() + " is refused: " + message);
        link.send(Messages.refused(message, retry));
        link.close();
    }

    private void again(AgentLink link, Link.Register register, Resources total, AgentId id) {
        if (cluster.gone().containsKey(id)) {
            // Not refused: it is to end its tasks and may come as a new one.
            cluster.settings()
                    .chronicle()
                    .warn(
                            "agent "
                                    + id
                                    + " is back, but was marked gone: it is told to end its tasks");
            link.send(Messages.shutdown("agent " + id + " was marked gone by an operator"));
            link.close();
            return;
        }
        Admission admission = new Admission(link, register, register.getAgentInfo(), total);
        Optional<Agent> known = cluster.agent(id);
        if (departures.isDeparting(id)) {
            refuse(link, "agent " + id + " is just being marked as away: try again", true);
        } else if (known.isPresent()) {
            takeOver(known.get(), admission);
        } else if (cluster.recovered().containsKey(id)) {
            // The registry has it: nothing to write.
            enter(admission);
        } else {
            admit(admission);
        }
    }

    private void admit(Admission admission) {
        AgentId id = Wire.agentId(admission.info().getId());
        Admission before = admissions.put(id, admission);
        if (before != null) {
            refuse(before.link(), "agent " + id + " has connected again", false);
        }
        cluster.registry()
                .put(
                        cluster.record(admission.info(), Standing.ADMITTED),
                        result -> admitted(id, admission, result));
    }

    private void admitted(AgentId id, Admission admission, Registry.Result result) {
        if (!admissions.remove(id, admission)) {
            forgetStillborn(id, admission, result);
            return;
        }
        if (result.error().isPresent()) {
            cluster.counts().add(Count.REGISTRY_FAILURES);
            refuse(admission.link(), "the registry did not take it: " + result.error().get(), true);
        } else if (departures.isDeparting(id) || cluster.gone().containsKey(id)) {
            refuse(
                    admission.link(),
                    "agent " + id + " is just being marked as away: try again",
                    true);
        } else if (cluster.agent(id).isPresent()) {
            takeOver(cluster.agent(id).get(), admission);
        } else {
            enter(admission);
        }
    }

    /** Its first connection broke while the registry wrote: it does not know its id, and nobody ever comes with it. */
    private void forgetStillborn(AgentId id, Admission admission, Registry.Result result) {
        if (result.error().isEmpty() && !admission.register().getAgentInfo().hasId()) {
            cluster.registry()
                    .remove(
                            id,
                            removed ->
                                    removed.error()
                                            .ifPresent(_ ->
                                                    cluster.counts().add(Count.REGISTRY_FAILURES)));
        }
    }

    /** An agent that is not registered now becomes so. */
    private void enter(Admission admission) {
        AgentId id = Wire.agentId(admission.info().getId());
        boolean wasUnreachable = cluster.unreachable().containsKey(id);
        boolean isNew = !admission.register().getAgentInfo().hasId();
        cluster.counts().add(isNew ? Count.REGISTRATIONS : Count.REREGISTRATIONS);
        Agent agent = cluster.addAgent(id, admission.info(), admission.total(), admission.link());
        begin(agent, admission);
        cluster.watcher().onAgentAdded(agent);
        cluster.settings()
                .chronicle()
                .note(
                        named(agent)
                                + (isNew ? " is new" : wasUnreachable ? " is back" : " is here")
                                + ": "
                                + admission.total()
                                + ", "
                                + admission.register().getTasksCount()
                                + " tasks");
        reports.merge(agent, admission.register(), wasUnreachable);
        if (isNew) {
            departures.replaced(agent);
        }
    }

    /** A registered agent comes with a new connection. */
    private void takeOver(Agent agent, Admission admission) {
        if (agent.link().isPresent() && isElsewhere(agent, admission)) {
            refuse(
                    admission.link(),
                    "agent "
                            + agent.id()
                            + " is connected already, as "
                            + agent.info().getHostname()
                            + " from "
                            + agent.address()
                            + ": if this one began with a copy of its data, give it an empty data root",
                    true);
            return;
        }
        cluster.counts().add(Count.REREGISTRATIONS);
        agent.link()
                .ifPresent(old -> {
                    byLink.remove(old);
                    old.close();
                    departures.disconnected(agent);
                });
        departures.notAway(agent);
        cluster.describe(agent, admission.info(), admission.total());
        cluster.connect(agent, admission.link());
        begin(agent, admission);
        cluster.settings().chronicle().note(named(agent) + " has connected again");
        reports.merge(agent, admission.register(), false);
    }

    private static String named(Agent agent) {
        return "agent "
                + agent.id()
                + " ("
                + agent.info().getHostname()
                + ", "
                + agent.address()
                + ":"
                + agent.info().getPort()
                + ")";
    }

    /** Two machines with one id would end each other's tasks. Who has moved is taken once the old connection is given up. */
    private static boolean isElsewhere(Agent agent, Admission admission) {
        return !admission.info().getHostname().equals(agent.info().getHostname())
                || !admission.link().peerAddress().equals(agent.address());
    }

    private void begin(Agent agent, Admission admission) {
        byLink.put(admission.link(), agent);
        agent.runs(admission.register().getVersion(), admission.register().getBootId());
        agent.heartbeatAt(cluster.nowNs() + cluster.settings().agentHeartbeatNs());
        cluster.agentsDueAt(agent.heartbeatAtNs());
        cluster.send(
                agent,
                FromMaster.newBuilder()
                        .setRegistered(
                                Link.Registered.newBuilder()
                                        .setAgentId(Wire.agentId(agent.id()))
                                        .setMasterInfo(cluster.settings().info())
                                        .setHeartbeatMs(
                                                (int)
                                                        (cluster.settings().agentHeartbeatNs()
                                                                / 1_000_000))
                                        .setSilenceMs(
                                                (int)
                                                        (cluster.settings().agentSilenceNs()
                                                                / 1_000_000)))
                        .build());
    }

    void said(AgentLink link, Link.FromAgent message) {
        Agent agent = byLink.get(link);
        if (agent == null) {
            return;
        }
        agent.heard(cluster.nowNs());
        switch (message.getMessageCase()) {
            case STATUS_UPDATE -> cluster.tasks().updated(agent, message.getStatusUpdate());
            case RESOURCES_CHANGED -> changed(agent, message.getResourcesChanged());
            case EXECUTOR_EXITED -> exited(agent, message.getExecutorExited());
            case FRAMEWORK_MESSAGE -> pass(agent, message.getFrameworkMessage());
            case LEAVING -> departures.leaving(agent, message.getLeaving().getMessage());
            // A second Register on one connection says nothing that the first did not.
            case HEARTBEAT, REGISTER, MESSAGE_NOT_SET -> {}
        }
    }

    private void changed(Agent agent, Link.ResourcesChanged changed) {
        try {
            Resources total = ResourceWire.read(changed.getResourcesList());
            AgentInfo info =
                    agent.info().toBuilder()
                            .clearResources()
                            .addAllResources(changed.getResourcesList())
                            .clearAttributes()
                            .addAllAttributes(changed.getAttributesList())
                            .build();
            cluster.describe(agent, info, total);
        } catch (ResourceException e) {
            // What it has is not known any more: it has to register again, and is refused with the
            // reason then.
            forget(agent);
        }
    }

    private void exited(Agent agent, Link.ExecutorExited exited) {
        cluster.framework(Wire.frameworkId(exited.getFrameworkId()))
                .ifPresent(framework -> {
                    Optional<ExecutorUse> executor =
                            agent.executor(framework.id(), Wire.executorId(exited.getExecutorId()));
                    executor.filter(use -> !isAwaited(agent, use))
                            .ifPresent(use -> cluster.tasks().exited(framework, agent, use));
                    cluster.send(
                            framework,
                            Event.newBuilder()
                                    .setType(Event.Type.FAILURE)
                                    .setFailure(
                                            Event.Failure.newBuilder()
                                                    .setAgentId(Wire.agentId(agent.id()))
                                                    .setExecutorId(exited.getExecutorId())
                                                    .setStatus(exited.getStatus()))
                                    .build());
                });
    }

    /** A group that the agent has not said a word of yet was on its way to it: it begins the executor anew. */
    private static boolean isAwaited(Agent agent, ExecutorUse executor) {
        return agent.tasks().values().stream()
                .anyMatch(task ->
                        task.framework().equals(executor.framework())
                                && task.executor().equals(Optional.of(executor.id()))
                                && task.value().getState() == TaskState.TASK_STAGING
                                && !task.value().hasStatusUpdateState());
    }

    private void pass(Agent agent, Link.FrameworkMessage message) {
        cluster.counts().add(Count.MESSAGES_TO_FRAMEWORKS);
        cluster.framework(Wire.frameworkId(message.getFrameworkId()))
                .ifPresent(framework ->
                        cluster.send(
                                framework,
                                Event.newBuilder()
                                        .setType(Event.Type.MESSAGE)
                                        .setMessage(
                                                Event.Message.newBuilder()
                                                        .setAgentId(Wire.agentId(agent.id()))
                                                        .setExecutorId(message.getExecutorId())
                                                        .setData(message.getData()))
                                        .build()));
    }

    void closed(AgentLink link) {
        admissions.values().removeIf(admission -> admission.link().equals(link));
        Agent agent = byLink.remove(link);
        if (agent != null) {
            departures.disconnected(agent);
            if (!agent.isLeaving()) {
                cluster.settings()
                        .chronicle()
                        .note(
                                named(agent)
                                        + " has lost its connection: unreachable in "
                                        + seconds(cluster.settings().agentSilenceNs())
                                        + " s unless it comes again; its "
                                        + agent.tasks().size()
                                        + " tasks run on");
            }
        }
    }

    private static long seconds(long ns) {
        return ns / 1_000_000_000L;
    }

    /** Closes an agent's link from this side. */
    void forget(Agent agent) {
        agent.link()
                .ifPresent(link -> {
                    byLink.remove(link);
                    link.close();
                    departures.disconnected(agent);
                });
    }

    void tick() {
        cluster.cut().forEach(this::forget);
        if (!cluster.agentsAreDue()) {
            return;
        }
        for (Agent agent : List.copyOf(cluster.agents())) {
            look(agent);
        }
        departures.lateAgents();
        departures.forgetOld();
    }

    private void look(Agent agent) {
        long now = cluster.nowNs();
        if (agent.isLeaving()) {
            return;
        }
        long silentAt = agent.heardNs() + cluster.settings().agentSilenceNs();
        if (silentAt <= now) {
            cluster.settings()
                    .chronicle()
                    .warn(
                            named(agent)
                                    + " has been silent for "
                                    + seconds(now - agent.heardNs())
                                    + " s: it is unreachable, its "
                                    + agent.tasks().size()
                                    + " tasks are not known to run");
            forget(agent);
            departures.unreachable(agent);
            return;
        }
        if (agent.heartbeatAtNs() <= now) {
            agent.heartbeatAt(now + cluster.settings().agentHeartbeatNs());
            cluster.send(agent, Messages.HEARTBEAT);
        }
        // All agents are looked at together: not for each of thousands at its own moment.
        cluster.agentsDueAt(Math.max(now + LOOK_GAP_NS, Math.min(silentAt, agent.heartbeatAtNs())));
    }
}
