package dev.berth.master.cluster;

import dev.berth.protocol.v1.Protos.TaskStatus;

/** Nobody watches. */
final class Unwatched implements Watcher {
    @Override
    public void onTaskAdded(Task task) {}

    @Override
    public void onTaskUpdated(Task task, TaskStatus status) {}

    @Override
    public void onAgentAdded(Agent agent) {}

    @Override
    public void onAgentRemoved(Agent agent) {}

    @Override
    public void onFrameworkAdded(Framework framework) {}

    @Override
    public void onFrameworkUpdated(Framework framework) {}

    @Override
    public void onFrameworkRemoved(Framework framework) {}
}
