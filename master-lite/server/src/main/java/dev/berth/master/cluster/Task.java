package dev.berth.master.cluster;

import com.google.protobuf.ByteString;

import dev.berth.master.allocator.Role;
import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.ExecutorId;
import dev.berth.master.ids.FrameworkId;
import dev.berth.master.ids.TaskId;
import dev.berth.master.resources.Resources;
import dev.berth.protocol.TaskStates;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.KillPolicy;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;

import java.util.Optional;

/** A task that its framework launched, as far as the master knows it. It is in exactly one of its framework's lists: live, unreachable or completed. */
public final class Task {
    /** How many of a task's states are kept for operators. */
    private static final int KEPT_STATUSES = 16;

    /** Asked to end, and how. Asked again when its agent comes back from a lost connection. */
    public record KillOrder(Optional<KillPolicy> policy) {}

    private final TaskId id;
    private final FrameworkId framework;
    private final AgentId agent;
    private final Optional<ExecutorId> executor;
    private final Role role;
    private final Resources resources;
    private Protos.Task value;
    private boolean holding;
    private Optional<Long> unreachableNs = Optional.empty();
    private Optional<KillOrder> killOrder = Optional.empty();

    /**
     * A task as {@code value} has it; it holds {@code resources} unless it has ended.
     *
     * @param role that the resources are allocated to
     */
    public Task(Protos.Task value, Role role, Resources resources) {
        this.value = value;
        this.role = role;
        this.resources = resources;
        id = new TaskId(value.getTaskId().getValue());
        framework = new FrameworkId(value.getFrameworkId().getValue());
        agent = new AgentId(value.getAgentId().getValue());
        executor =
                value.hasExecutorId()
                        ? Optional.of(new ExecutorId(value.getExecutorId().getValue()))
                        : Optional.empty();
        holding = !TaskStates.isTerminal(value.getState());
    }

    public TaskId id() {
        return id;
    }

    public FrameworkId framework() {
        return framework;
    }

    public AgentId agent() {
        return agent;
    }

    public Optional<ExecutorId> executor() {
        return executor;
    }

    public Role role() {
        return role;
    }

    public Resources resources() {
        return resources;
    }

    /** As operators see it, with its newest state. */
    public Protos.Task value() {
        return value;
    }

    /** The newest state that the master knows; it can be ahead of what the framework was told. */
    public TaskState state() {
        return value.getState();
    }

    /** What the framework was told last, or the newest state where it was told nothing. */
    public TaskState toldState() {
        return value.hasStatusUpdateState() ? value.getStatusUpdateState() : value.getState();
    }

    /** Whether it has resources of its agent. */
    public boolean isHolding() {
        return holding;
    }

    /** Its resources were given back. */
    void release() {
        holding = false;
    }

    /** Since when its agent is unreachable. */
    public Optional<Long> unreachableNs() {
        return unreachableNs;
    }

    void unreachable(long sinceNs) {
        unreachableNs = Optional.of(sinceNs);
    }

    public Optional<KillOrder> killOrder() {
        return killOrder;
    }

    /** Is to end. */
    public void order(KillOrder order) {
        killOrder = Optional.of(order);
    }

    /** Whether {@code uuid} is of the last update that was sent, and that was of an end. */
    public boolean endsWith(ByteString uuid) {
        return value.hasStatusUpdateState()
                && TaskStates.isTerminal(value.getStatusUpdateState())
                && value.getStatusUpdateUuid().equals(uuid);
    }

    /**
     * An update of its agent or of the master.
     *
     * @param latest where the task is by now
     */
    void update(TaskStatus status, TaskState latest) {
        Protos.Task.Builder next = value.toBuilder();
        if (!TaskStates.isTerminal(value.getState()) || TaskStates.isTerminal(latest)) {
            next.setState(latest);
        }
        if (status.hasUuid()) {
            next.setStatusUpdateState(status.getState());
            next.setStatusUpdateUuid(status.getUuid());
        }
        // Health and check results come with an unchanged state: the newest of each state is kept,
        // without the bytes that only the framework understands.
        int last = value.getStatusesCount() - 1;
        if (last >= 0 && value.getStatuses(last).getState() == status.getState()) {
            next.removeStatuses(last);
        } else if (last + 1 >= KEPT_STATUSES) {
            next.removeStatuses(0);
        }
        next.addStatuses(status.toBuilder().clearData());
        value = next.build();
    }

    /** Its agent came back with it and says where it is; an end that is known stays one. */
    void found(Protos.Task reported) {
        Protos.Task.Builder next = value.toBuilder();
        if (!TaskStates.isTerminal(value.getState())
                || TaskStates.isTerminal(reported.getState())) {
            next.setState(reported.getState());
        }
        if (reported.hasStatusUpdateState()) {
            next.setStatusUpdateState(reported.getStatusUpdateState());
            next.setStatusUpdateUuid(reported.getStatusUpdateUuid());
        }
        value = next.build();
    }
}
