package dev.berth.isolator;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Everything that must be done to start one process, as typed data, in order.
 *
 * @param id the container's or exec's id
 * @param exec a further process in a running container
 * @param namespaces made by clone3
 * @param ops by phase, each with the isolator that asked for it
 * @param deviceRules of the device cgroup, in order
 * @param env contributed variables
 * @param slots that must be filled, each with one owner
 */
public record LaunchPlan(
        String id,
        boolean exec,
        Set<Namespace> namespaces,
        List<OwnedOp> ops,
        List<ContainerConfig.DeviceRule> deviceRules,
        Map<String, String> env,
        Set<Slot> slots) {
    public LaunchPlan {
        namespaces = Set.copyOf(namespaces);
        ops = List.copyOf(ops);
        deviceRules = List.copyOf(deviceRules);
        env = Map.copyOf(env);
        slots = Set.copyOf(slots);
    }

    /** A step and the isolator that asked for it. */
    public record OwnedOp(String isolator, LaunchOp op) {}
}
