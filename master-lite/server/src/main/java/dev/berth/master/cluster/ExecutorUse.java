package dev.berth.master.cluster;

import dev.berth.master.allocator.Role;
import dev.berth.master.ids.ExecutorId;
import dev.berth.master.ids.FrameworkId;
import dev.berth.master.resources.Resources;
import dev.berth.protocol.v1.Protos.ExecutorInfo;

/** An executor on an agent, with the resources that it has for itself. */
public record ExecutorUse(
        FrameworkId framework, ExecutorInfo info, Role role, Resources resources) {
    public ExecutorId id() {
        return Wire.executorId(info.getExecutorId());
    }
}
