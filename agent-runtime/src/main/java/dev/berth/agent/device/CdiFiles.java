package dev.berth.agent.device;

import dev.berth.agent.config.AgentLog;
import dev.berth.gpu.ContainerEdits;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.cdi.CdiRegistry;

import java.util.List;

/** The CDI files of this host. */
record CdiFiles(CdiRegistry registry) implements CdiSource {
    @Override
    public ContainerEdits edits(List<String> names, int uid, int gid) throws DeviceException {
        return registry.resolve(names, uid, gid);
    }

    @Override
    public void refresh() throws DeviceException {
        if (registry.refresh()) {
            registry.problems().forEach(problem -> AgentLog.warn("CDI: " + problem));
        }
    }

    @Override
    public List<String> devices() {
        return registry.devices();
    }
}
