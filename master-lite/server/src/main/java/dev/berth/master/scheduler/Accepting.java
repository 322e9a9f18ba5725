package dev.berth.master.scheduler;

import dev.berth.master.allocator.Role;
import dev.berth.master.cluster.Agent;
import dev.berth.master.cluster.Answer;
import dev.berth.master.cluster.Cluster;
import dev.berth.master.cluster.Count;
import dev.berth.master.cluster.ExecutorUse;
import dev.berth.master.cluster.Framework;
import dev.berth.master.cluster.OpenOffer;
import dev.berth.master.cluster.ResourceException;
import dev.berth.master.cluster.ResourceWire;
import dev.berth.master.cluster.Statuses;
import dev.berth.master.cluster.Task;
import dev.berth.master.cluster.Wire;
import dev.berth.master.ids.OfferId;
import dev.berth.master.resources.Resources;
import dev.berth.protocol.TaskDescription;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.link.Link.FromMaster;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.Filters;
import dev.berth.protocol.v1.Protos.Offer.Operation;
import dev.berth.protocol.v1.Protos.OfferID;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus.Reason;
import dev.berth.protocol.v1.scheduler.Protos.Call;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** ACCEPT and DECLINE: what becomes of offers. */
final class Accepting {
    private final Cluster cluster;

    Accepting(Cluster cluster) {
        this.cluster = cluster;
    }

    /** One agent's offered resources, while operations take from them. */
    private static final class Basket {
        private final Agent agent;
        private final Role role;
        private Resources left;

        Basket(Agent agent, Role role, Resources left) {
            this.agent = agent;
            this.role = role;
            this.left = left;
        }
    }

    /** DECLINE: unknown offers are passed over, as they may have been rescinded meanwhile. */
    void decline(Framework framework, Call.Decline decline) {
        cluster.counts().add(Count.DECLINES);
        OptionalLong refuse = refuseNs(decline.getFilters());
        for (OfferID id : decline.getOfferIdsList()) {
            own(framework, id).ifPresent(offer -> cluster.offers().discard(offer, refuse));
        }
    }

    /** Mesos's reading of a filter: negative or no number means the default. The allocator lets none last longer than a year. */
    static OptionalLong refuseNs(Filters filters) {
        double seconds = filters.getRefuseSeconds();
        if (!(seconds >= 0)) {
            seconds = Filters.getDefaultInstance().getRefuseSeconds();
        }
        return OptionalLong.of((long) (seconds * 1e9));
    }

    private Optional<OpenOffer> own(Framework framework, OfferID id) {
        return cluster.offers()
                .find(Wire.offerId(id))
                .filter(offer -> offer.framework().equals(framework.id()));
    }

    /**
     * ACCEPT: 501 for operations that are not there yet, and then nothing is done and the offers stay open. Mesos takes the call (202) and answers an operation that it cannot do with OPERATION_ERROR, where it has an id,
     * or not at all: a framework would take a reservation for made. So a call that needs what is not there is refused by name, as any other is.
     */
    Answer accept(Framework framework, Call.Accept accept) {
        for (Operation operation : accept.getOperationsList()) {
            switch (operation.getType()) {
                case LAUNCH, LAUNCH_GROUP -> {}
                case UNKNOWN -> {
                    return Answer.refusal(501, "ACCEPT with an unknown operation");
                }
                default -> {
                    return Answer.refusal(
                            501, "ACCEPT with " + operation.getType() + " is not there yet");
                }
            }
        }
        cluster.counts().add(Count.ACCEPTS);
        Optional<String> problem = problem(framework, accept.getOfferIdsList());
        if (problem.isPresent()) {
            refuse(framework, accept, problem.get());
            return Answer.ACCEPTED;
        }
        Resources sum = Resources.EMPTY;
        Optional<OpenOffer> any = Optional.empty();
        for (OfferID id : accept.getOfferIdsList()) {
            OpenOffer offer = own(framework, id).orElseThrow();
            cluster.offers().take(offer);
            sum = sum.plus(offer.resources());
            any = Optional.of(offer);
        }
        Agent agent = cluster.agent(any.orElseThrow().agent()).orElseThrow();
        Basket basket = new Basket(agent, any.get().role(), sum);
        for (Operation operation : accept.getOperationsList()) {
            cluster.counts().add(Count.LAUNCHES);
            if (operation.getType() == Operation.Type.LAUNCH) {
                launch(framework, basket, operation.getLaunch());
            } else {
                launchGroup(framework, basket, operation.getLaunchGroup());
            }
        }
        if (!basket.left.isEmpty()) {
            cluster.allocator()
                    .recover(
                            framework.id(),
                            basket.role,
                            agent.id(),
                            basket.left,
                            refuseNs(accept.getFilters()),
                            cluster.nowNs());
        }
        return Answer.ACCEPTED;
    }

    private Optional<String> problem(Framework framework, List<OfferID> ids) {
        if (ids.isEmpty()) {
            return Optional.of("No offers specified");
        }
        Set<OfferId> seen = new LinkedHashSet<>();
        Optional<OpenOffer> first = Optional.empty();
        for (OfferID id : ids) {
            Optional<OpenOffer> offer = own(framework, id);
            if (!seen.add(Wire.offerId(id))) {
                return Optional.of("Duplicate offer " + id.getValue() + " in offer list");
            }
            if (offer.isEmpty()) {
                return Optional.of("Offer " + id.getValue() + " is no longer valid");
            }
            if (first.isPresent() && !first.get().agent().equals(offer.get().agent())) {
                return Optional.of("Aggregated offers must belong to one single agent");
            }
            if (first.isPresent() && !first.get().role().equals(offer.get().role())) {
                return Optional.of("Aggregated offers must be allocated to the same role");
            }
            first = first.or(() -> offer);
        }
        return cluster.agent(first.orElseThrow().agent()).filter(Agent::isActive).isPresent()
                ? Optional.empty()
                : Optional.of("Agent " + first.get().agent() + " is disconnected");
    }

    private void refuse(Framework framework, Call.Accept accept, String problem) {
        for (OfferID id : accept.getOfferIdsList()) {
            own(framework, id)
                    .ifPresent(offer -> cluster.offers().discard(offer, OptionalLong.empty()));
        }
        TaskState state = Statuses.orLost(framework, TaskState.TASK_DROPPED);
        for (Operation operation : accept.getOperationsList()) {
            List<TaskInfo> tasks =
                    operation.getType() == Operation.Type.LAUNCH
                            ? operation.getLaunch().getTaskInfosList()
                            : operation.getLaunchGroup().getTaskGroup().getTasksList();
            for (TaskInfo task : tasks) {
                tell(
                        framework,
                        task,
                        state,
                        Reason.REASON_INVALID_OFFERS,
                        "Task launched with invalid offers: " + problem);
            }
        }
    }

    private void tell(
            Framework framework, TaskInfo task, TaskState state, Reason reason, String message) {
        cluster.counts()
                .add(
                        state == TaskState.TASK_ERROR
                                ? Count.TASKS_ERROR
                                : state == TaskState.TASK_LOST
                                        ? Count.TASKS_LOST
                                        : Count.TASKS_DROPPED);
        cluster.settings()
                .chronicle()
                .warn(
                        "framework "
                                + framework.id()
                                + ": task "
                                + task.getTaskId().getValue()
                                + " is refused, "
                                + state
                                + ": "
                                + message);
        cluster.send(
                framework,
                Statuses.update(
                        Statuses.of(
                                        Wire.taskId(task.getTaskId()),
                                        Optional.of(Wire.agentId(task.getAgentId())),
                                        state,
                                        reason,
                                        message,
                                        cluster.nowNs())
                                .build()));
    }

    private void launch(Framework framework, Basket basket, Operation.Launch launch) {
        TaskRules rules = new TaskRules(framework, basket.agent, basket.role);
        List<TaskInfo> good = new ArrayList<>();
        for (TaskInfo task : launch.getTaskInfosList()) {
            try {
                Resources wanted = wanted(rules, rules.problem(task), task, basket.left);
                basket.left = basket.left.minus(wanted);
                TaskInfo whole = allocated(task, wanted, basket.role);
                begin(framework, basket, whole, wanted, Optional.empty());
                good.add(whole);
            } catch (ResourceException e) {
                tell(framework, task, TaskState.TASK_ERROR, Reason.REASON_TASK_INVALID, e.reason());
            }
        }
        if (!good.isEmpty()) {
            cluster.send(
                    basket.agent,
                    FromMaster.newBuilder()
                            .setLaunch(
                                    Link.Launch.newBuilder()
                                            .setFrameworkInfo(framework.info())
                                            .addAllTasks(good))
                            .build());
        }
    }

    private static Resources wanted(
            TaskRules rules, Optional<String> problem, TaskInfo task, Resources left)
            throws ResourceException {
        if (problem.isPresent()) {
            throw new ResourceException(problem.get());
        }
        Resources wanted = rules.resources("Task", task.getResourcesList());
        if (wanted.isEmpty()) {
            throw new ResourceException("Task uses no resources");
        }
        Optional<String> limits = TaskRules.limits(task, wanted);
        if (limits.isPresent()) {
            throw new ResourceException(limits.get());
        }
        if (!left.contains(wanted)) {
            throw new ResourceException(
                    "Task uses more resources {" + wanted + "} than available {" + left + "}");
        }
        return wanted;
    }

    private void launchGroup(Framework framework, Basket basket, Operation.LaunchGroup launch) {
        TaskRules rules = new TaskRules(framework, basket.agent, basket.role);
        Host executor;
        List<TaskInfo> tasks = new ArrayList<>();
        List<Resources> each = new ArrayList<>();
        Resources left;
        try {
            executor = executor(framework, basket, rules, launch);
            left = basket.left.minus(executor.takes());
            for (TaskInfo task : launch.getTaskGroup().getTasksList()) {
                Resources wanted = wanted(rules, rules.any(task), task, left);
                left = left.minus(wanted);
                each.add(wanted);
                tasks.add(allocated(task, wanted, basket.role));
            }
        } catch (ResourceException e) {
            for (TaskInfo task : launch.getTaskGroup().getTasksList()) {
                tell(
                        framework,
                        task,
                        TaskState.TASK_ERROR,
                        Reason.REASON_TASK_GROUP_INVALID,
                        e.reason());
            }
            return;
        }
        basket.left = left;
        if (executor.isNew()) {
            cluster.tasks().launch(framework, basket.agent, executor.use());
        }
        for (int i = 0; i < tasks.size(); i++) {
            begin(framework, basket, tasks.get(i), each.get(i), Optional.of(executor.use()));
        }
        cluster.send(
                basket.agent,
                FromMaster.newBuilder()
                        .setLaunchGroup(
                                Link.LaunchGroup.newBuilder()
                                        .setFrameworkInfo(framework.info())
                                        .setExecutor(executor.use().info())
                                        .setTaskGroup(
                                                Protos.TaskGroupInfo.newBuilder()
                                                        .addAllTasks(tasks)))
                        .build());
    }

    /** The executor of a group, and whether it comes with the group. */
    private record Host(ExecutorUse use, boolean isNew) {
        Resources takes() {
            return isNew ? use.resources() : Resources.EMPTY;
        }
    }

    private Host executor(
            Framework framework, Basket basket, TaskRules rules, Operation.LaunchGroup launch)
            throws ResourceException {
        Protos.ExecutorInfo info = launch.getExecutor();
        Optional<String> problem =
                GroupRules.executor(info, framework, basket.agent)
                        .or(() -> GroupRules.group(launch.getTaskGroup()));
        if (problem.isPresent()) {
            throw new ResourceException(problem.get());
        }
        Optional<ExecutorUse> there =
                basket.agent.executor(framework.id(), Wire.executorId(info.getExecutorId()));
        if (there.isPresent()) {
            return new Host(there.get(), false);
        }
        Resources takes = rules.resources("Executor", info.getResourcesList());
        problem = GroupRules.executorResources(takes);
        if (problem.isPresent()) {
            throw new ResourceException(problem.get());
        }
        if (!basket.left.contains(takes)) {
            throw new ResourceException(
                    "Executor uses more resources {"
                            + takes
                            + "} than available {"
                            + basket.left
                            + "}");
        }
        Protos.ExecutorInfo whole =
                info.toBuilder()
                        .setFrameworkId(Wire.frameworkId(framework.id()))
                        .clearResources()
                        .addAllResources(ResourceWire.write(takes, basket.role))
                        .build();
        return new Host(new ExecutorUse(framework.id(), whole, basket.role, takes), true);
    }

    private static TaskInfo allocated(TaskInfo task, Resources resources, Role role) {
        return task.toBuilder()
                .clearResources()
                .addAllResources(ResourceWire.write(resources, role))
                .build();
    }

    private void begin(
            Framework framework,
            Basket basket,
            TaskInfo info,
            Resources resources,
            Optional<ExecutorUse> executor) {
        Protos.Task.Builder task =
                TaskDescription.of(info, Wire.frameworkId(framework.id()))
                        .setState(TaskState.TASK_STAGING);
        executor.ifPresent(use -> task.setExecutorId(use.info().getExecutorId()));
        if (!task.hasUser()) {
            task.setUser(framework.info().getUser());
        }
        cluster.tasks()
                .launch(framework, basket.agent, new Task(task.build(), basket.role, resources));
    }
}
