package dev.berth.master.cluster;

import dev.berth.protocol.v1.Protos.TaskStatus;

/** Is told what changes, for operators. Must change nothing itself. */
public interface Watcher {
    void onTaskAdded(Task task);

    void onTaskUpdated(Task task, TaskStatus status);

    void onAgentAdded(Agent agent);

    void onAgentRemoved(Agent agent);

    void onFrameworkAdded(Framework framework);

    void onFrameworkUpdated(Framework framework);

    void onFrameworkRemoved(Framework framework);
}
