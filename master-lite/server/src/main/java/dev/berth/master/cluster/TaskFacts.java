package dev.berth.master.cluster;

import dev.berth.master.allocator.Role;
import dev.berth.master.ids.AgentId;
import dev.berth.master.ids.ExecutorId;
import dev.berth.master.ids.FrameworkId;
import dev.berth.master.ids.TaskId;
import dev.berth.master.resources.Resources;
import dev.berth.protocol.TaskStates;
import dev.berth.protocol.v1.Protos;
import dev.berth.protocol.v1.Protos.TaskState;

import java.util.Optional;

/**
 * A task as it is at one moment. Immutable: any thread.
 *
 * @param role that the resources are allocated to
 * @param value as operators see it, with its newest state
 * @param place which of its framework's lists it is in
 * @param order it came to that place after all tasks of a lower one
 */
public record TaskFacts(
        TaskId id,
        FrameworkId framework,
        AgentId agent,
        Optional<ExecutorId> executor,
        Role role,
        Resources resources,
        Protos.Task value,
        Place place,
        long order) {
    /** The lists of a framework. */
    public enum Place {
        LIVE,
        UNREACHABLE,
        COMPLETED
    }

    static TaskFacts of(Protos.Task value, Role role, Resources resources) {
        return new TaskFacts(
                new TaskId(value.getTaskId().getValue()),
                new FrameworkId(value.getFrameworkId().getValue()),
                new AgentId(value.getAgentId().getValue()),
                value.hasExecutorId()
                        ? Optional.of(new ExecutorId(value.getExecutorId().getValue()))
                        : Optional.empty(),
                role,
                resources,
                value,
                Place.LIVE,
                0);
    }

    TaskFacts with(Protos.Task newest) {
        return new TaskFacts(id, framework, agent, executor, role, resources, newest, place, order);
    }

    TaskFacts at(Place next, long nextOrder) {
        return new TaskFacts(
                id, framework, agent, executor, role, resources, value, next, nextOrder);
    }

    public TaskState state() {
        return value.getState();
    }

    /** Whether it has resources of its agent. */
    public boolean isHolding() {
        return place == Place.LIVE && !TaskStates.isTerminal(value.getState());
    }
}
