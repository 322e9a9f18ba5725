package dev.berth.isolator.cgroup2.devices;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.DeviceRule;
import dev.berth.isolator.IsolatorException;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** Rules as lists, later ones win: what every container may open, and what a configuration adds. */
final class DeviceRules {
    /** Everything, for privileged containers. */
    private static final DeviceRule ALL =
            new DeviceRule(true, 'a', OptionalInt.empty(), OptionalInt.empty(), "rwm");

    /** Runtime-spec's default devices, the terminals of the container's own devpts, and tun. Making arbitrary nodes is not among them, unlike elsewhere. */
    static final List<DeviceRule> DEFAULTS =
            List.of(
                    character(1, 3), // null
                    character(1, 5), // zero
                    character(1, 7), // full
                    character(1, 8), // random
                    character(1, 9), // urandom
                    character(5, 0), // tty
                    character(5, 2), // ptmx
                    new DeviceRule(
                            true, 'c', OptionalInt.of(136), OptionalInt.empty(), "rwm"), // pts
                    character(10, 200)); // net/tun

    private DeviceRules() {}

    private static DeviceRule character(int major, int minor) {
        return new DeviceRule(true, 'c', OptionalInt.of(major), OptionalInt.of(minor), "rwm");
    }

    /** All rules of a configuration, in order. */
    static List<DeviceRule> of(ContainerConfig config) throws IsolatorException {
        List<DeviceRule> rules = new ArrayList<>();
        if (config.security().privileged()) {
            rules.add(ALL);
        } else {
            rules.addAll(DEFAULTS);
        }
        for (DeviceNode node : config.devices()) {
            rules.add(
                    new DeviceRule(
                            true,
                            node.type(),
                            OptionalInt.of(node.major()),
                            OptionalInt.of(node.minor()),
                            node.access()));
        }
        rules.addAll(config.deviceRules());
        for (DeviceRule rule : rules) {
            check(rule);
        }
        return rules;
    }

    private static void check(DeviceRule rule) throws IsolatorException {
        boolean type = rule.type() == 'a' || rule.type() == 'b' || rule.type() == 'c';
        boolean access =
                !rule.access().isEmpty()
                        && rule.access().chars().allMatch(c -> c == 'r' || c == 'w' || c == 'm');
        if (!type || !access || rule.major().orElse(0) < 0 || rule.minor().orElse(0) < 0) {
            throw new IsolatorException("cgroup2/devices: bad rule " + rule);
        }
    }
}
