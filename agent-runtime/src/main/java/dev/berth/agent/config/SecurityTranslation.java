package dev.berth.agent.config;

import dev.berth.isolator.Capability;
import dev.berth.isolator.ContainerConfig.Security;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Capabilities, seccomp, no_new_privs, masked and read-only paths: Docker's defaults and options. */
public final class SecurityTranslation {
    /** Docker's list of 2026, with {@code /proc/interrupts} and powercap. */
    static final List<String> MASKED_PATHS =
            List.of(
                    "/proc/acpi",
                    "/proc/asound",
                    "/proc/interrupts",
                    "/proc/kcore",
                    "/proc/keys",
                    "/proc/latency_stats",
                    "/proc/sched_debug",
                    "/proc/scsi",
                    "/proc/timer_list",
                    "/proc/timer_stats",
                    "/sys/devices/virtual/powercap",
                    "/sys/firmware");

    static final List<String> READ_ONLY_PATHS =
            List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger");

    /** In the order of their numbers, 0 to 40 (capability.h). */
    public static final List<String> ALL_CAPABILITIES =
            Arrays.stream(Capability.values()).map(Capability::name).toList();

    private SecurityTranslation() {}

    static Security security(Fields host, boolean noNewPrivilegesDefault) throws AgentException {
        boolean privileged = host.flag("Privileged");
        String seccomp = privileged ? "unconfined" : "default";
        boolean noNewPrivileges = noNewPrivilegesDefault;
        for (String option : host.list("SecurityOpt")) {
            int cut = cut(option);
            String key = cut < 0 ? option : option.substring(0, cut);
            String value = cut < 0 ? "" : option.substring(cut + 1);
            switch (key) {
                case "no-new-privileges" ->
                        noNewPrivileges = value.isEmpty() || flag(option, value);
                case "seccomp" -> seccomp = seccomp(value);
                case "apparmor" -> {
                    if (!value.equals("unconfined") && !value.isEmpty()) {
                        throw AgentException.refused("security option " + option, "");
                    }
                }
                case "label" -> {
                    if (!value.equals("disable")) {
                        throw AgentException.refused("security option " + option, "");
                    }
                }
                default ->
                        throw AgentException.invalid("invalid --security-opt: \"" + option + "\"");
            }
        }
        return new Security(
                privileged,
                capabilities(host, privileged),
                Set.of(),
                seccomp,
                noNewPrivileges,
                host.list("MaskedPaths"),
                host.list("ReadonlyPaths"));
    }

    /** Docker once wrote {@code key:value}; a seccomp profile's JSON holds both signs, so the first counts. */
    private static int cut(String option) {
        int equals = option.indexOf('=');
        int colon = option.indexOf(':');
        return equals < 0 ? colon : colon < 0 ? equals : Math.min(equals, colon);
    }

    private static boolean flag(String option, String value) throws AgentException {
        return switch (value) {
            case "true", "1" -> true;
            case "false", "0" -> false;
            default -> throw AgentException.invalid("invalid --security-opt: \"" + option + "\"");
        };
    }

    private static String seccomp(String value) throws AgentException {
        if (value.equals("unconfined")) {
            return value;
        }
        if (value.equals("builtin") || value.isEmpty()) {
            return "default";
        }
        if (value.stripLeading().startsWith("{")) {
            return value;
        }
        throw AgentException.invalid(
                "invalid --security-opt: seccomp wants unconfined, builtin or a profile in JSON");
    }

    private static Set<String> capabilities(Fields host, boolean privileged) throws AgentException {
        List<String> add = names(host.list("CapAdd"));
        List<String> drop = names(host.list("CapDrop"));
        Set<String> out = new LinkedHashSet<>();
        if (privileged || add.contains("ALL")) {
            out.addAll(ALL_CAPABILITIES);
        } else if (!drop.contains("ALL")) {
            out.addAll(Capability.DOCKER_DEFAULTS);
        }
        if (!privileged) {
            drop.forEach(out::remove);
        }
        add.stream().filter(name -> !name.equals("ALL")).forEach(out::add);
        return out;
    }

    private static List<String> names(List<String> given) throws AgentException {
        List<String> out = new java.util.ArrayList<>();
        for (String raw : given) {
            String name = raw.strip().toUpperCase(Locale.ROOT);
            name = name.startsWith("CAP_") ? name.substring(4) : name;
            if (!name.equals("ALL") && !ALL_CAPABILITIES.contains(name)) {
                throw AgentException.invalid(
                        "invalid capability: unknown capability \"" + raw + "\"");
            }
            out.add(name);
        }
        return out;
    }
}
