package dev.berth.agent.config;

import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.DeviceRule;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code --device}, {@code --device-cgroup-rule} and the devices of privileged containers. */
final class DeviceTranslation {
    private static final Pattern RULE =
            Pattern.compile("([acb]) (\\d{1,10}|\\*):(\\d{1,10}|\\*) ([rwm]{1,3})");

    private final HostLookup host;

    DeviceTranslation(HostLookup host) {
        this.host = host;
    }

    List<DeviceNode> nodes(Fields config) throws AgentException {
        if (config.flag("Privileged")) {
            return host.allDevices();
        }
        List<DeviceNode> out = new ArrayList<>();
        for (Fields device : config.objects("Devices")) {
            String path = device.text("PathOnHost");
            String target = device.text("PathInContainer");
            String access = access(device.text("CgroupPermissions"));
            if (!path.startsWith("/")) {
                throw AgentException.invalid(
                        "invalid device \"" + path + "\": want an absolute host path");
            }
            target = target.isEmpty() ? path : target;
            if (!target.startsWith("/") || List.of(target.split("/", -1)).contains("..")) {
                throw AgentException.invalid(
                        "invalid device target \"" + target + "\": want an absolute path");
            }
            out.add(host.device(path, target, access));
        }
        return out;
    }

    /** The user's own rules; those of the device nodes themselves follow from the nodes (cgroup2/devices). */
    List<DeviceRule> rules(Fields config) throws AgentException {
        List<DeviceRule> out = new ArrayList<>();
        if (config.flag("Privileged")) {
            out.add(new DeviceRule(true, 'a', OptionalInt.empty(), OptionalInt.empty(), "rwm"));
            return out;
        }
        for (String text : config.list("DeviceCgroupRules")) {
            Matcher rule = RULE.matcher(text.strip());
            if (!rule.matches()) {
                throw AgentException.invalid(
                        "invalid device cgroup rule \""
                                + text
                                + "\": want such as \"c 1:3 rwm\" or \"b 8:* r\"");
            }
            out.add(
                    new DeviceRule(
                            true,
                            rule.group(1).charAt(0),
                            number(rule.group(2)),
                            number(rule.group(3)),
                            rule.group(4)));
        }
        return out;
    }

    private static OptionalInt number(String text) {
        return text.equals("*") ? OptionalInt.empty() : OptionalInt.of((int) Long.parseLong(text));
    }

    private static String access(String text) throws AgentException {
        if (text.isEmpty()) {
            return "rwm";
        }
        if (!text.matches("[rwm]{1,3}")) {
            throw AgentException.invalid(
                    "invalid device access \"" + text + "\": want letters of rwm");
        }
        return text;
    }
}
