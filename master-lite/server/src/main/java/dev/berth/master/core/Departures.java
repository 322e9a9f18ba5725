package dev.berth.master.core;

import dev.berth.master.cluster.Agent;
import dev.berth.master.cluster.AgentLink;
import dev.berth.master.cluster.AgentRecord;
import dev.berth.master.cluster.AgentRecord.Standing;
import dev.berth.master.cluster.Answer;
import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.Count;
import dev.berth.master.cluster.Framework;
import dev.berth.master.cluster.Messages;
import dev.berth.master.cluster.Registry;
import dev.berth.master.cluster.Statuses;
import dev.berth.master.cluster.Task;
import dev.berth.master.cluster.Wire;
import dev.berth.master.ids.AgentId;
import dev.berth.protocol.TaskStates;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;
import dev.berth.protocol.v1.Protos.TaskStatus.Reason;
import dev.berth.protocol.v1.scheduler.Protos.Event;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** How agents stop being registered: unreachable, gone, removed. The registry is told first; what frameworks see comes after its answer. */
final class Departures {
    /** Mesos: {@code --registry_gc_interval}, {@code --registry_max_agent_age}. */
    private static final long FORGET_EVERY_NS = TimeUnit.MINUTES.toNanos(15);

    private static final long KEPT_NS = TimeUnit.DAYS.toNanos(14);

    /** Of the unreachable, and of those marked gone. */
    private static final int MOST_KEPT = 10_000;

    private final Cluster cluster;
    private final Consumer<AgentLink> unlink;
    private final Set<AgentId> departing = new HashSet<>();

    /** Registered agents whose link is broken, by hostname. */
    private final Map<String, Set<Agent>> away = new HashMap<>();

    private long forgetAtNs;

    /** Departures of a cluster; {@code unlink} is told of links that are closed by one. */
    Departures(Cluster cluster, Consumer<AgentLink> unlink) {
        this.cluster = cluster;
        this.unlink = unlink;
    }

    /** Whether the registry is being told of its departure. */
    boolean isDeparting(AgentId id) {
        return departing.contains(id);
    }

    /** An agent's link broke. */
    void disconnected(Agent agent) {
        cluster.disconnect(agent);
        away.computeIfAbsent(agent.info().getHostname(), _ -> new LinkedHashSet<>()).add(agent);
    }

    /** An agent has a link again, or is not registered any more. */
    void notAway(Agent agent) {
        Set<Agent> here = away.get(agent.info().getHostname());
        if (here != null && here.remove(agent) && here.isEmpty()) {
            away.remove(agent.info().getHostname());
        }
    }

    /** An agent was silent for too long. */
    void unreachable(Agent agent) {
        AgentRecord record = cluster.record(agent.info(), Standing.UNREACHABLE);
        agent.leave();
        departing.add(agent.id());
        cluster.registry()
                .put(
                        record,
                        result -> {
                            departing.remove(agent.id());
                            if (failed(agent, result)) {
                                return;
                            }
                            cluster.counts().add(Count.AGENTS_UNREACHABLE);
                            String message =
                                    "Agent " + agent.info().getHostname() + " is unreachable";
                            for (Task task : List.copyOf(agent.tasks().values())) {
                                Framework framework =
                                        cluster.framework(task.framework()).orElseThrow();
                                if (TaskStates.isTerminal(task.state())) {
                                    cluster.tasks().complete(framework, agent, task);
                                } else {
                                    TaskState state =
                                            Statuses.orLost(framework, TaskState.TASK_UNREACHABLE);
                                    TaskStatus status =
                                            Statuses.of(
                                                            task.id(),
                                                            Optional.of(agent.id()),
                                                            state,
                                                            Reason.REASON_AGENT_REMOVED,
                                                            message,
                                                            cluster.nowNs())
                                                    .setUnreachableTime(Wire.time(record.sinceNs()))
                                                    .build();
                                    cluster.tasks()
                                            .unreachable(
                                                    framework,
                                                    agent,
                                                    task,
                                                    status,
                                                    record.sinceNs());
                                }
                            }
                            removed(agent, Optional.of(record));
                        });
    }

    private boolean failed(Agent agent, Registry.Result result) {
        if (result.error().isEmpty()) {
            return false;
        }
        cluster.counts().add(Count.REGISTRY_FAILURES);
        stay(agent);
        agent.heard(cluster.nowNs());
        cluster.agentsDueAt(cluster.nowNs() + cluster.settings().agentSilenceNs());
        return true;
    }

    private void stay(Agent agent) {
        agent.stay();
        cluster.agentsDueAt(cluster.nowNs());
        if (agent.isActive()) {
            cluster.allocator().activateAgent(agent.id());
        }
    }

    /** An agent goes away for good of itself, its tasks ended. */
    void leaving(Agent agent, String message) {
        remove(
                agent,
                "Agent "
                        + agent.info().getHostname()
                        + " left"
                        + (message.isEmpty() ? "" : ": " + message));
    }

    /** A new agent is where another one was: that one lost its data, and will not come back. */
    void replaced(Agent agent) {
        Set<Agent> here = away.getOrDefault(agent.info().getHostname(), Set.of());
        for (Agent other : List.copyOf(here)) {
            if (!other.id().equals(agent.id())
                    && other.address().equals(agent.address())
                    && other.info().getPort() == agent.info().getPort()) {
                remove(
                        other,
                        "Agent " + other.info().getHostname() + " came back without its data");
            }
        }
    }

    private void remove(Agent agent, String message) {
        if (!departing.add(agent.id())) {
            return;
        }
        cluster.settings().chronicle().note(message + ": agent " + agent.id() + " is removed");
        agent.leave();
        cluster.offers().rescind(agent.offers());
        cluster.allocator().deactivateAgent(agent.id());
        cluster.registry()
                .remove(
                        agent.id(),
                        result -> {
                            departing.remove(agent.id());
                            if (!failed(agent, result)) {
                                end(
                                        agent,
                                        TaskState.TASK_GONE,
                                        Reason.REASON_AGENT_REMOVED,
                                        message);
                                removed(agent, Optional.empty());
                            }
                        });
    }

    /** An operator says that an agent never comes back. */
    void gone(AgentId id, Consumer<Answer> done) {
        Optional<Agent> agent = cluster.agent(id);
        Optional<AgentRecord> away =
                Optional.ofNullable(cluster.unreachable().get(id))
                        .or(() -> Optional.ofNullable(cluster.recovered().get(id)));
        if (cluster.gone().containsKey(id)) {
            done.accept(Answer.OK);
        } else if (agent.isEmpty() && away.isEmpty()) {
            done.accept(Answer.refusal(404, "Agent " + id + " is not known"));
        } else if (!departing.add(id)) {
            done.accept(
                    Answer.refusal(
                            503, "Agent " + id + " is just being marked as away: try again"));
        } else {
            AgentRecord record =
                    agent.map(a -> cluster.record(a.info(), Standing.GONE))
                            .orElseGet(() ->
                                    cluster.record(Wire.info(away.orElseThrow()), Standing.GONE));
            agent.ifPresent(a -> {
                a.leave();
                cluster.offers().rescind(a.offers());
                cluster.allocator().deactivateAgent(id);
            });
            cluster.registry().put(record, result -> marked(record, agent, result, done));
        }
    }

    private void marked(
            AgentRecord record,
            Optional<Agent> agent,
            Registry.Result result,
            Consumer<Answer> done) {
        departing.remove(record.id());
        if (result.error().isPresent()) {
            cluster.counts().add(Count.REGISTRY_FAILURES);
            agent.ifPresent(this::stay);
            done.accept(
                    Answer.refusal(503, "The registry did not take it: " + result.error().get()));
            return;
        }
        String message = "Agent " + record.hostname() + " was marked gone by an operator";
        cluster.settings().chronicle().warn(message + ": " + record.id());
        if (agent.isPresent()) {
            end(
                    agent.get(),
                    TaskState.TASK_GONE_BY_OPERATOR,
                    Reason.REASON_AGENT_REMOVED_BY_OPERATOR,
                    message);
            cluster.send(agent.get(), Messages.shutdown(message));
            removed(agent.get(), Optional.of(record));
        } else {
            cluster.stands(record);
        }
        for (Framework framework : cluster.frameworks()) {
            for (Task task : List.copyOf(framework.unreachable().values())) {
                if (task.agent().equals(record.id())) {
                    TaskState state = Statuses.orLost(framework, TaskState.TASK_GONE_BY_OPERATOR);
                    TaskStatus status =
                            Statuses.of(
                                            task.id(),
                                            Optional.of(record.id()),
                                            state,
                                            Reason.REASON_AGENT_REMOVED_BY_OPERATOR,
                                            message,
                                            cluster.nowNs())
                                    .build();
                    cluster.tasks()
                            .neverBack(framework, task, status, state != TaskState.TASK_LOST);
                }
            }
        }
        done.accept(Answer.OK);
    }

    private void end(Agent agent, TaskState aware, Reason reason, String message) {
        for (Task task : List.copyOf(agent.tasks().values())) {
            Framework framework = cluster.framework(task.framework()).orElseThrow();
            if (TaskStates.isTerminal(task.state())) {
                cluster.tasks().complete(framework, agent, task);
            } else {
                TaskStatus status =
                        Statuses.of(
                                        task.id(),
                                        Optional.of(agent.id()),
                                        Statuses.orLost(framework, aware),
                                        reason,
                                        message,
                                        cluster.nowNs())
                                .build();
                cluster.tasks().end(framework, agent, task, status);
            }
        }
    }

    private void removed(Agent agent, Optional<AgentRecord> record) {
        cluster.counts().add(Count.AGENTS_REMOVED);
        agent.link()
                .ifPresent(link -> {
                    unlink.accept(link);
                    link.close();
                });
        cluster.offers().rescind(agent.offers());
        notAway(agent);
        cluster.removeAgent(agent, record);
        tellLost(agent.id());
    }

    private void tellLost(AgentId id) {
        Event failure =
                Event.newBuilder()
                        .setType(Event.Type.FAILURE)
                        .setFailure(Event.Failure.newBuilder().setAgentId(Wire.agentId(id)))
                        .build();
        cluster.frameworks().forEach(framework -> cluster.send(framework, failure));
    }

    /** Agents of the registry that have not come in time are unreachable. */
    void lateAgents() {
        long until = cluster.startedNs() + cluster.settings().agentReregisterNs();
        if (cluster.recovered().isEmpty()) {
            return;
        }
        if (cluster.nowNs() < until) {
            cluster.agentsDueAt(until);
            return;
        }
        for (AgentRecord late : List.copyOf(cluster.recovered().values())) {
            if (!departing.add(late.id())) {
                continue;
            }
            AgentRecord record = cluster.record(Wire.info(late), Standing.UNREACHABLE);
            cluster.registry()
                    .put(
                            record,
                            result -> {
                                departing.remove(record.id());
                                if (result.error().isPresent()) {
                                    cluster.counts().add(Count.REGISTRY_FAILURES);
                                    cluster.agentsDueAt(
                                            cluster.nowNs() + cluster.settings().agentSilenceNs());
                                } else if (cluster.recovered().containsKey(record.id())) {
                                    cluster.settings()
                                            .chronicle()
                                            .warn(
                                                    "agent "
                                                            + record.id()
                                                            + " ("
                                                            + record.hostname()
                                                            + ") of the registry has not come: it is unreachable");
                                    cluster.stands(record);
                                    tellLost(record.id());
                                }
                            });
        }
    }

    /** Now and then: who is away for weeks, or one of too many, is not remembered for ever. Should it come back, it is admitted anew. */
    void forgetOld() {
        if (cluster.nowNs() < forgetAtNs) {
            cluster.agentsDueAt(forgetAtNs);
            return;
        }
        forgetAtNs = cluster.nowNs() + FORGET_EVERY_NS;
        cluster.agentsDueAt(forgetAtNs);
        forgetOld(cluster.unreachable().values());
        forgetOld(cluster.gone().values());
    }

    private void forgetOld(Collection<AgentRecord> records) {
        List<AgentRecord> oldest = new ArrayList<>(records);
        oldest.sort(Comparator.comparingLong(AgentRecord::sinceNs));
        for (int i = 0; i < oldest.size(); i++) {
            AgentRecord record = oldest.get(i);
            boolean old = cluster.nowNs() - record.sinceNs() > KEPT_NS;
            if ((old || oldest.size() - i > MOST_KEPT) && departing.add(record.id())) {
                cluster.registry()
                        .remove(
                                record.id(),
                                result -> {
                                    departing.remove(record.id());
                                    if (result.error().isPresent()) {
                                        cluster.counts().add(Count.REGISTRY_FAILURES);
                                    } else {
                                        cluster.forget(record.id());
                                    }
                                });
            }
        }
    }
}
