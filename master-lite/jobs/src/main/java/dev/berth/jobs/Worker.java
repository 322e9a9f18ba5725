package dev.berth.jobs;

import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.TaskInfo;
import dev.berth.protocol.v1.Protos.TaskState;
import dev.berth.protocol.v1.Protos.TaskStatus;

import java.util.Optional;
import java.util.OptionalLong;

/** One worker of a gang, and the last that was heard of it. One thread. */
public final class Worker {
    private final int rank;
    private final TaskInfo info;
    private final Offer offer;
    private TaskState state = TaskState.TASK_STAGING;
    private Optional<TaskStatus> last = Optional.empty();
    private OptionalLong unreachableNs = OptionalLong.empty();

    Worker(int rank, TaskInfo info, Offer offer) {
        this.rank = rank;
        this.info = info;
        this.offer = offer;
    }

    public int rank() {
        return rank;
    }

    public TaskInfo info() {
        return info;
    }

    /** An offer of the agent that it is on. */
    public Offer offer() {
        return offer;
    }

    public TaskState state() {
        return state;
    }

    public String message() {
        return last.map(TaskStatus::getMessage).orElse("");
    }

    /** Since when it is unreachable, on the monotonic clock. */
    OptionalLong unreachableNs() {
        return unreachableNs;
    }

    void heard(TaskStatus status, long nowNs) {
        if (status.getState() != TaskState.TASK_UNREACHABLE) {
            unreachableNs = OptionalLong.empty();
        } else if (unreachableNs.isEmpty()) {
            unreachableNs = OptionalLong.of(nowNs);
        }
        state = status.getState();
        last = Optional.of(status);
    }

    boolean hasEnded() {
        return TaskEnd.isEnd(state);
    }

    int exitCode() {
        return last.map(TaskEnd::exitCode).orElse(0);
    }
}
