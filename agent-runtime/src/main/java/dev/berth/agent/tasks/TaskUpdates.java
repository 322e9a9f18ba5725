package dev.berth.agent.tasks;

import com.google.protobuf.ByteString;

import dev.berth.agent.config.AgentException;
import dev.berth.agent.config.AgentLog;
import dev.berth.protocol.TaskStates;
import dev.berth.protocol.link.Link;
import dev.berth.protocol.v1.Protos.TaskStatus;

import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * Status updates: journalled, then sent in order for each task, one at a time, again and again until they are acknowledged: after 10 s, then ever later up to 10 min, and after each registration.
 *
 * <p>Thread: conductor.
 */
final class TaskUpdates {
    static final long FIRST_RETRY_NS = 10_000_000_000L;
    static final long LAST_RETRY_NS = 600_000_000_000L;

    /** Of one task. */
    static final int MOST_PENDING = 64;

    private final TaskHost host;
    private final TaskJournal journal;
    private final Consumer<TaskEntry> done;
    private final TaskSteps steps;
    private MasterSide master = _ -> {};

    /** {@code done} is told of a task whose last update was acknowledged. */
    TaskUpdates(TaskHost host, TaskJournal journal, TaskSteps steps, Consumer<TaskEntry> done) {
        this.host = host;
        this.journal = journal;
        this.steps = steps;
        this.done = done;
    }

    void master(MasterSide side) {
        master = side;
    }

    /** Completes a status, makes it durable and sends it when it is its turn. */
    void publish(TaskEntry entry, TaskStatus.Builder status) {
        UUID uuid = UUID.randomUUID();
        long realtimeUs = host.realtimeNs() / 1_000;
        ByteBuffer bytes = ByteBuffer.allocate(16);
        bytes.putLong(uuid.getMostSignificantBits()).putLong(uuid.getLeastSignificantBits());
        status.setTaskId(entry.info.getTaskId())
                .setAgentId(entry.info.getAgentId())
                .setTimestamp(realtimeUs / 1e6)
                .setUuid(ByteString.copyFrom(bytes.flip()));
        status.getExecutorIdBuilder().setValue(entry.executorId());
        TaskStatus complete = status.build();
        try {
            journal.updated(entry, complete, isSuperseding(entry, complete));
        } catch (AgentException e) {
            AgentLog.error("journal update of " + entry.key(), e);
        }
        steps.reached(TaskStep.UPDATE_JOURNALED, entry);
        if (journal.isOver(entry.framework.getValue())) {
            settle(entry);
        } else if (entry.pending.size() == 1) {
            entry.retryNs = FIRST_RETRY_NS;
            send(entry);
        }
    }

    /** A scheduler that is long away and a check that says something else each second: of more than enough news of a state the last is kept. The first may be under way. */
    private static boolean isSuperseding(TaskEntry entry, TaskStatus status) {
        return entry.pending.size() >= MOST_PENDING
                && entry.pending.getLast().getState() == status.getState();
    }

    /** The scheduler has it. Anything but the update that is under way is old news. */
    void acknowledged(TaskEntry entry, ByteString uuid) {
        TaskStatus first = entry.pending.peek();
        if (first == null || !Objects.equals(first.getUuid(), uuid)) {
            return;
        }
        try {
            journal.acknowledged(entry);
        } catch (AgentException e) {
            AgentLog.error("journal acknowledgement of " + entry.key(), e);
        }
        steps.reached(TaskStep.ACKNOWLEDGEMENT_JOURNALED, entry);
        entry.cancelRetry.run();
        entry.cancelRetry = () -> {};
        if (!entry.pending.isEmpty()) {
            entry.retryNs = FIRST_RETRY_NS;
            send(entry);
        } else if (TaskStates.isTerminal(first.getState())) {
            done.accept(entry);
        }
    }

    /** Nobody is left to acknowledge: what is pending counts as acknowledged. */
    void settle(TaskEntry entry) {
        entry.cancelRetry.run();
        entry.cancelRetry = () -> {};
        entry.pending.clear();
        if (entry.isTerminal()) {
            done.accept(entry);
        }
    }

    /** Sends what is under way again, as if for the first time. */
    void resend(TaskEntry entry) {
        if (!entry.pending.isEmpty()) {
            entry.retryNs = FIRST_RETRY_NS;
            send(entry);
        }
    }

    private void send(TaskEntry entry) {
        TaskStatus status = entry.pending.element();
        entry.cancelRetry.run();
        entry.forwarded = java.util.Optional.of(status);
        master.send(
                Link.FromAgent.newBuilder()
                        .setStatusUpdate(
                                Link.StatusUpdate.newBuilder()
                                        .setFrameworkId(entry.framework)
                                        .setStatus(status)
                                        .setLatestState(entry.state()))
                        .build());
        steps.reached(TaskStep.UPDATE_SENT, entry);
        long wait = entry.retryNs;
        entry.retryNs = Math.min(LAST_RETRY_NS, wait * 2);
        entry.cancelRetry =
                host.at(
                        host.monotonicNs() + wait,
                        () -> {
                            if (!entry.pending.isEmpty()) {
                                send(entry);
                            }
                        });
    }
}
