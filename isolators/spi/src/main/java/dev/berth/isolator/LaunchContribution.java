package dev.berth.isolator;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What one isolator adds to a launch.
 *
 * @param namespaces made by clone3 for the child (CGROUP is not: a cgroup namespace made by clone3 is rooted at the parent's cgroup, so it is an op)
 * @param ops in order within each phase
 * @param deviceRules of the device cgroup, beyond what the configuration says
 * @param env variables that are set whatever the process's own environment says
 * @param slots that must be filled before the launch
 */
public record LaunchContribution(
        Set<Namespace> namespaces,
        List<LaunchOp> ops,
        List<ContainerConfig.DeviceRule> deviceRules,
        Map<String, String> env,
        Set<Slot> slots) {
    public static final LaunchContribution NONE =
            new LaunchContribution(Set.of(), List.of(), List.of(), Map.of(), Set.of());

    public LaunchContribution {
        namespaces = Set.copyOf(namespaces);
        ops = List.copyOf(ops);
        deviceRules = List.copyOf(deviceRules);
        env = Map.copyOf(env);
        slots = Set.copyOf(slots);
    }

    /** A contribution in the making. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects a contribution. Thread: one. */
    public static final class Builder {
        private final Set<Namespace> namespaces = EnumSet.noneOf(Namespace.class);
        private final List<LaunchOp> ops = new ArrayList<>();
        private final List<ContainerConfig.DeviceRule> deviceRules = new ArrayList<>();
        private final Map<String, String> env = new LinkedHashMap<>();
        private final Set<Slot> slots = new LinkedHashSet<>();

        private Builder() {}

        public Builder namespace(Namespace namespace) {
            namespaces.add(namespace);
            return this;
        }

        public Builder op(LaunchOp op) {
            ops.add(op);
            return this;
        }

        public Builder deviceRule(ContainerConfig.DeviceRule rule) {
            deviceRules.add(rule);
            return this;
        }

        public Builder env(String name, String value) {
            env.put(name, value);
            return this;
        }

        public Builder slot(Slot slot) {
            slots.add(slot);
            return this;
        }

        public LaunchContribution build() {
            return new LaunchContribution(namespaces, ops, deviceRules, env, slots);
        }
    }
}
