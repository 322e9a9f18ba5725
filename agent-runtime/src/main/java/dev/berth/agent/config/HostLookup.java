package dev.berth.agent.config;

import dev.berth.isolator.ContainerConfig.DeviceNode;

import java.util.List;

/** What the translation must ask the host: device numbers, rlimits, names of other containers. */
public interface HostLookup {
    /** The node at a host path, to be made at {@code target} with {@code access}. */
    DeviceNode device(String hostPath, String target, String access) throws AgentException;

    /** Every node of the host's {@code /dev} (for privileged containers). */
    List<DeviceNode> allDevices() throws AgentException;

    /** Device numbers {major, minor} of the block device at a host path. */
    int[] blockDevice(String hostPath) throws AgentException;

    /** The agent's own hard limit: no container may be given more without CAP_SYS_RESOURCE. */
    long hardLimit(int resource);

    /** The full id of a running container, by name or id prefix. */
    String containerId(String reference) throws AgentException;

    /** The host's own name. */
    String hostname();

    /** How many CPUs are online. */
    int cpus();
}
