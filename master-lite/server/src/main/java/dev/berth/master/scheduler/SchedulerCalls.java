package dev.berth.master.scheduler;

import dev.berth.master.cluster.Agent;
import dev.berth.master.cluster.Answer;
import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.Count;
import dev.berth.master.cluster.Framework;
import dev.berth.master.cluster.Messages;
import dev.berth.master.cluster.Task;
import dev.berth.master.cluster.Wire;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.link.Link.FromMaster;
import dev.berth.protocol.v1.Protos.FrameworkInfo;
import dev.berth.protocol.v1.scheduler.Protos.Call;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Scheduler calls other than SUBSCRIBE: whether they may be made, and what they do. */
public final class SchedulerCalls {
    private static final int UUID_BYTES = 16;

    private final Cluster cluster;
    private final Accepting accepting;
    private final Reconciling reconciling;

    public SchedulerCalls(Cluster cluster) {
        this.cluster = cluster;
        accepting = new Accepting(cluster);
        reconciling = new Reconciling(cluster);
    }

    /** Answers a call: 202 when it was taken, 200 for UPDATE_FRAMEWORK. */
    public Answer call(Call call, Optional<String> streamId, Optional<String> principal) {
        Optional<String> malformed = malformed(call);
        if (malformed.isPresent()) {
            return Answer.refusal(400, malformed.get());
        }
        Optional<Framework> framework = cluster.framework(Wire.frameworkId(call.getFrameworkId()));
        if (framework.isEmpty()) {
            return Answer.refusal(400, "Framework cannot be found");
        }
        String owner = framework.get().info().getPrincipal();
        if (principal.isPresent()
                && framework.get().info().hasPrincipal()
                && !owner.equals(principal.get())) {
            return Answer.refusal(
                    400,
                    "Authenticated principal '"
                            + principal.get()
                            + "' does not match principal '"
                            + owner
                            + "' of the framework");
        }
        if (framework.get().stream().isEmpty()) {
            return Answer.refusal(403, "Framework is not subscribed");
        }
        if (streamId.isEmpty()) {
            return Answer.refusal(
                    400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header");
        }
        if (!streamId.get().equals(framework.get().stream().get().id())) {
            return Answer.refusal(
                    400,
                    "The stream ID '"
                            + streamId.get()
                            + "' included in this request didn't match the stream ID currently associated with framework ID "
                            + framework.get().id());
        }
        return act(call, framework.get());
    }

    /** What is missing from a call, whoever makes it. Any thread. */
    public static Optional<String> malformed(Call call) {
        if (!call.hasType()) {
            return Optional.of("Expecting 'type' to be present");
        }
        if (!call.hasFrameworkId()) {
            return Optional.of("Expecting 'framework_id' to be present");
        }
        Optional<String> field =
                switch (call.getType()) {
                    case SUBSCRIBE -> missing(call.hasSubscribe(), "subscribe");
                    case ACCEPT -> missing(call.hasAccept(), "accept");
                    case DECLINE -> missing(call.hasDecline(), "decline");
                    case ACCEPT_INVERSE_OFFERS ->
                            missing(call.hasAcceptInverseOffers(), "accept_inverse_offers");
                    case DECLINE_INVERSE_OFFERS ->
                            missing(call.hasDeclineInverseOffers(), "decline_inverse_offers");
                    case KILL -> missing(call.hasKill(), "kill");
                    case SHUTDOWN -> missing(call.hasShutdown(), "shutdown");
                    case ACKNOWLEDGE -> missing(call.hasAcknowledge(), "acknowledge");
                    case ACKNOWLEDGE_OPERATION_STATUS ->
                            missing(
                                    call.hasAcknowledgeOperationStatus(),
                                    "acknowledge_operation_status");
                    case RECONCILE -> missing(call.hasReconcile(), "reconcile");
                    case RECONCILE_OPERATIONS ->
                            missing(call.hasReconcileOperations(), "reconcile_operations");
                    case MESSAGE -> missing(call.hasMessage(), "message");
                    case REQUEST -> missing(call.hasRequest(), "request");
                    case UPDATE_FRAMEWORK -> missing(call.hasUpdateFramework(), "update_framework");
                    case UNKNOWN, TEARDOWN, REVIVE, SUPPRESS -> Optional.empty();
                };
        return field.or(() -> content(call));
    }

    private static Optional<String> missing(boolean there, String field) {
        return there ? Optional.empty() : Optional.of("Expecting '" + field + "' to be present");
    }

    private static Optional<String> content(Call call) {
        if (call.hasAcknowledge() && call.getType() == Call.Type.ACKNOWLEDGE) {
            return uuid(call.getAcknowledge().getUuid().size());
        }
        if (call.hasAcknowledgeOperationStatus()
                && call.getType() == Call.Type.ACKNOWLEDGE_OPERATION_STATUS) {
            return uuid(call.getAcknowledgeOperationStatus().getUuid().size())
                    .or(() ->
                            missing(
                                    call.getAcknowledgeOperationStatus().hasAgentId(),
                                    "acknowledge_operation_status.agent_id"));
        }
        if (call.getType() == Call.Type.UPDATE_FRAMEWORK
                && !call.getUpdateFramework()
                        .getFrameworkInfo()
                        .getId()
                        .getValue()
                        .equals(call.getFrameworkId().getValue())) {
            return Optional.of("'framework_id' differs from 'update_framework.framework_info.id'");
        }
        return Optional.empty();
    }

    private static Optional<String> uuid(int bytes) {
        return bytes == UUID_BYTES
                ? Optional.empty()
                : Optional.of("Not a valid UUID: it has " + bytes + " bytes instead of 16");
    }

    private Answer act(Call call, Framework framework) {
        switch (call.getType()) {
            case ACCEPT -> {
                return accepting.accept(framework, call.getAccept());
            }
            case UPDATE_FRAMEWORK -> {
                return update(framework, call.getUpdateFramework());
            }
            case TEARDOWN -> {
                cluster.counts().add(Count.TEARDOWNS);
                cluster.settings()
                        .chronicle()
                        .note("framework " + framework.id() + " has ended itself");
                cluster.removeFramework(framework);
            }
            case DECLINE -> accepting.decline(framework, call.getDecline());
            case REVIVE -> {
                cluster.counts().add(Count.REVIVES);
                chosen(framework, call.getRevive().getRolesList())
                        .ifPresent(roles -> cluster.revive(framework, roles));
            }
            case SUPPRESS -> {
                cluster.counts().add(Count.SUPPRESSES);
                chosen(framework, call.getSuppress().getRolesList())
                        .ifPresent(roles -> cluster.suppress(framework, roles));
            }
            case KILL -> kill(framework, call.getKill());
            case SHUTDOWN -> shutdown(framework, call.getShutdown());
            case ACKNOWLEDGE -> acknowledge(framework, call.getAcknowledge());
            case RECONCILE -> {
                cluster.counts().add(Count.RECONCILES);
                reconciling.reconcile(framework, call.getReconcile().getTasksList());
            }
            case MESSAGE -> message(framework, call.getMessage());
            // A hint that no allocator of Mesos's has ever taken.
            case REQUEST -> {}
            case SUBSCRIBE -> {
                return Answer.refusal(400, "SUBSCRIBE must not carry the 'Mesos-Stream-Id' header");
            }
            case UNKNOWN,
                    ACCEPT_INVERSE_OFFERS,
                    DECLINE_INVERSE_OFFERS,
                    ACKNOWLEDGE_OPERATION_STATUS,
                    RECONCILE_OPERATIONS -> {
                return Answer.refusal(501, "The call " + call.getType() + " is not there yet");
            }
        }
        return Answer.ACCEPTED;
    }

    /** The roles that a call is about, all of the framework's when it names none; empty when it names a foreign one. */
    private static Optional<Set<String>> chosen(Framework framework, List<String> named) {
        if (named.isEmpty()) {
            return Optional.of(framework.roles());
        }
        return framework.roles().containsAll(named)
                ? Optional.of(new LinkedHashSet<>(named))
                : Optional.empty();
    }

    private void kill(Framework framework, Call.Kill kill) {
        cluster.counts().add(Count.KILLS);
        Task task = framework.live().get(Wire.taskId(kill.getTaskId()));
        if (task == null) {
            reconciling.one(
                    framework,
                    Wire.taskId(kill.getTaskId()),
                    kill.hasAgentId()
                            ? Optional.of(Wire.agentId(kill.getAgentId()))
                            : Optional.empty());
            return;
        }
        if (kill.hasAgentId() && !Wire.agentId(kill.getAgentId()).equals(task.agent())) {
            return;
        }
        Task.KillOrder order =
                new Task.KillOrder(
                        kill.hasKillPolicy()
                                ? Optional.of(kill.getKillPolicy())
                                : Optional.empty());
        task.order(order);
        cluster.agent(task.agent())
                .ifPresent(agent -> cluster.send(agent, Messages.kill(task, order.policy())));
    }

    private void shutdown(Framework framework, Call.Shutdown shutdown) {
        cluster.agent(Wire.agentId(shutdown.getAgentId()))
                .ifPresent(agent ->
                        cluster.send(
                                agent,
                                FromMaster.newBuilder()
                                        .setShutdownExecutor(
                                                Link.ShutdownExecutor.newBuilder()
                                                        .setFrameworkId(
                                                                Wire.frameworkId(framework.id()))
                                                        .setExecutorId(shutdown.getExecutorId()))
                                        .build()));
    }

    private void acknowledge(Framework framework, Call.Acknowledge acknowledge) {
        cluster.counts().add(Count.ACKNOWLEDGEMENTS);
        Optional<Agent> agent =
                cluster.agent(Wire.agentId(acknowledge.getAgentId()))
                        .filter(each -> each.link().isPresent());
        if (agent.isEmpty()) {
            // The agent sends the update again when it is back.
            cluster.counts().add(Count.INVALID_ACKS);
            return;
        }
        cluster.counts().add(Count.VALID_ACKS);
        agent.get()
                .task(framework.id(), Wire.taskId(acknowledge.getTaskId()))
                .filter(task -> task.endsWith(acknowledge.getUuid()))
                .ifPresent(task -> cluster.tasks().complete(framework, agent.get(), task));
        cluster.send(
                agent.get(),
                FromMaster.newBuilder()
                        .setAcknowledge(
                                Link.Acknowledge.newBuilder()
                                        .setFrameworkId(Wire.frameworkId(framework.id()))
                                        .setTaskId(acknowledge.getTaskId())
                                        .setUuid(acknowledge.getUuid()))
                        .build());
    }

    private void message(Framework framework, Call.Message message) {
        cluster.counts().add(Count.MESSAGES_TO_EXECUTORS);
        cluster.agent(Wire.agentId(message.getAgentId()))
                .ifPresent(agent ->
                        cluster.send(
                                agent,
                                FromMaster.newBuilder()
                                        .setFrameworkMessage(
                                                Link.FrameworkMessage.newBuilder()
                                                        .setFrameworkId(
                                                                Wire.frameworkId(framework.id()))
                                                        .setAgentId(message.getAgentId())
                                                        .setExecutorId(message.getExecutorId())
                                                        .setData(message.getData()))
                                        .build()));
    }

    private Answer update(Framework framework, Call.UpdateFramework update) {
        FrameworkInfo next = update.getFrameworkInfo();
        FrameworkInfo old = framework.info();
        Optional<String> problem =
                FrameworkRules.problem(next, update.getSuppressedRolesList())
                        .or(() -> immutable(old, next));
        if (problem.isPresent()) {
            return Answer.refusal(400, problem.get());
        }
        if (update.getOfferConstraints().getRoleConstraintsCount() > 0) {
            return Answer.refusal(
                    400, "offer_constraints are not there yet: decline what does not fit");
        }
        FrameworkInfo.Builder whole = next.toBuilder();
        if (old.hasPrincipal()) {
            whole.setPrincipal(old.getPrincipal());
        }
        cluster.update(
                framework, whole.build(), new LinkedHashSet<>(update.getSuppressedRolesList()));
        cluster.offers().rescindForeign(framework);
        cluster.watcher().onFrameworkUpdated(framework);
        for (Agent agent : cluster.agentsOf(framework)) {
            cluster.send(agent, Messages.updateFramework(framework.info()));
        }
        return Answer.OK;
    }

    private static Optional<String> immutable(FrameworkInfo old, FrameworkInfo next) {
        if (!old.getUser().equals(next.getUser())) {
            return Optional.of("Updating 'FrameworkInfo.user' is unsupported");
        }
        if (old.getCheckpoint() != next.getCheckpoint()) {
            return Optional.of("Updating 'FrameworkInfo.checkpoint' is unsupported");
        }
        if (next.hasPrincipal() && !old.getPrincipal().equals(next.getPrincipal())) {
            return Optional.of("Updating 'FrameworkInfo.principal' is unsupported");
        }
        return Optional.empty();
    }
}
