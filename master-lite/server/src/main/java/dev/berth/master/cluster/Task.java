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

import org.jspecify.annotations.Nullable;

import java.util.Optional;

/** A task that its framework launched, as far as the master knows it. It is in exactly one of its framework's lists: live, unreachable or completed. */
public final class Task {
    /** How many of a task's states are kept for operators. */
    private static final int KEPT_STATUSES = 16;

    /** Asked to end, and how. Asked again when its agent comes back from a lost connection. */
    public record KillOrder(Optional<KillPolicy> policy) {}

    private TaskFacts facts;
    private Slots<TaskFacts>.@Nullable Slot slot;
    private boolean holding;
    private Optional<Long> unreachableNs = Optional.empty();
    private Optional<KillOrder> killOrder = Optional.empty();

    /**
     * A task as {@code value} has it; it holds {@code resources} unless it has ended.
     *
     * @param role that the resources are allocated to
     */
    public Task(Protos.Task value, Role role, Resources resources) {
        facts = TaskFacts.of(value, role, resources);
        holding = !TaskStates.isTerminal(value.getState());
    }

    public TaskId id() {
        return facts.id();
    }

    public FrameworkId framework() {
        return facts.framework();
    }

    public AgentId agent() {
        return facts.agent();
    }

    public Optional<ExecutorId> executor() {
        return facts.executor();
    }

    public Role role() {
        return facts.role();
    }

    public Resources resources() {
        return facts.resources();
    }

    /** As operators see it, with its newest state. */
    public Protos.Task value() {
        return facts.value();
    }

    /** As it is now. */
    public TaskFacts facts() {
        return facts;
    }

    /** It is in that list of its framework now. */
    void at(Board board, TaskFacts.Place place) {
        facts = facts.at(place, board.nextOrder());
        if (slot == null) {
            slot = board.tasks().add(facts);
        } else {
            slot.set(facts);
        }
    }

    /** It is in no list any more. */
    void forgotten() {
        if (slot != null) {
            slot.remove();
            slot = null;
        }
    }

    private void is(Protos.Task newest) {
        facts = facts.with(newest);
        if (slot != null) {
            slot.set(facts);
        }
    }

    /** The newest state that the master knows; it can be ahead of what the framework was told. */
    public TaskState state() {
        return facts.state();
    }

    /** What the framework was told last, or the newest state where it was told nothing. */
    public TaskState toldState() {
        Protos.Task value = facts.value();
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
        Protos.Task value = facts.value();
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
        Protos.Task value = facts.value();
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
        is(next.build());
    }

    /** Its agent came back with it and says where it is; an end that is known stays one. */
    void found(Protos.Task reported) {
        Protos.Task value = facts.value();
        Protos.Task.Builder next = value.toBuilder();
        if (!TaskStates.isTerminal(value.getState())
                || TaskStates.isTerminal(reported.getState())) {
            next.setState(reported.getState());
        }
        if (reported.hasStatusUpdateState()) {
            next.setStatusUpdateState(reported.getStatusUpdateState());
            next.setStatusUpdateUuid(reported.getStatusUpdateUuid());
        }
        is(next.build());
    }
}
