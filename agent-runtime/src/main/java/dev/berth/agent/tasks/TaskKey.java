package dev.berth.agent.tasks;

import dev.berth.protocol.v1.Protos;

/** A task's identity on an agent: task ids are unique within a framework only. */
public record TaskKey(String framework, String task) {
    public static TaskKey of(Protos.FrameworkID framework, Protos.TaskID task) {
        return new TaskKey(framework.getValue(), task.getValue());
    }

    @Override
    public String toString() {
        return task + " of framework " + framework;
    }
}
