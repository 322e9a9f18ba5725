package dev.berth.agent.config;

import com.fasterxml.jackson.databind.JsonNode;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What of Docker's request Berth supports. Every other field that holds something is refused by name: a setting that is silently dropped would be a hole.
 */
final class RequestRules {
    /** Read by {@link SpecMerge} or the translation, or without a meaning on Linux today (hints of the client, Windows). */
    private static final Set<String> CONFIG =
            Set.of(
                    "Hostname",
                    "Domainname",
                    "User",
                    "AttachStdin",
                    "AttachStdout",
                    "AttachStderr",
                    "ExposedPorts",
                    "Tty",
                    "OpenStdin",
                    "StdinOnce",
                    "Env",
                    "Cmd",
                    "ArgsEscaped",
                    "Image",
                    "WorkingDir",
                    "Entrypoint",
                    "NetworkDisabled",
                    "OnBuild",
                    "Labels",
                    "StopSignal",
                    "StopTimeout",
                    "Shell");

    private static final Map<String, String> CONFIG_HINTS =
            Map.of(
                    "Healthcheck", "run the check from outside, or use --no-healthcheck",
                    "Volumes", "bind a host directory (-v /host:/path) or use --tmpfs",
                    "MacAddress", "containers have no network interface but loopback");

    private static final Set<String> HOST =
            Set.of(
                    "Annotations",
                    "AutoRemove",
                    "Binds",
                    "BlkioDeviceReadBps",
                    "BlkioDeviceReadIOps",
                    "BlkioDeviceWriteBps",
                    "BlkioDeviceWriteIOps",
                    "BlkioWeight",
                    "CapAdd",
                    "CapDrop",
                    "CgroupnsMode",
                    "ConsoleSize",
                    "ContainerIDFile",
                    "CpuPeriod",
                    "CpuQuota",
                    "CpuShares",
                    "CpusetCpus",
                    "CpusetMems",
                    "DeviceCgroupRules",
                    "DeviceRequests",
                    "Devices",
                    "Dns",
                    "DnsOptions",
                    "DnsSearch",
                    "ExtraHosts",
                    "GroupAdd",
                    "Init",
                    "IpcMode",
                    "Isolation",
                    "LogConfig",
                    "MaskedPaths",
                    "Memory",
                    "MemoryReservation",
                    "MemorySwap",
                    "MemorySwappiness",
                    "Mounts",
                    "NanoCpus",
                    "NetworkMode",
                    "OomScoreAdj",
                    "PidMode",
                    "PidsLimit",
                    "Privileged",
                    "ReadonlyPaths",
                    "ReadonlyRootfs",
                    "RestartPolicy",
                    "Runtime",
                    "SecurityOpt",
                    "ShmSize",
                    "Sysctls",
                    "Tmpfs",
                    "UTSMode",
                    "Ulimits",
                    "UsernsMode");

    private static final Map<String, String> HOST_HINTS =
            Map.of(
                    "PortBindings", "use --network host, whose ports are the host's",
                    "PublishAllPorts", "use --network host, whose ports are the host's",
                    "VolumesFrom", "bind the same host directory in both containers",
                    "CgroupParent", "start the agent with --cgroup-parent",
                    "Links", "",
                    "VolumeDriver", "bind a host directory (-v /host:/path)");

    private RequestRules() {}

    static void check(Fields config, Fields host, JsonNode networking) throws AgentException {
        refuseOthers(config, CONFIG, CONFIG_HINTS);
        refuseOthers(host, HOST, HOST_HINTS);
        network(host.text("NetworkMode"), networking);
        modes(host);
        DeviceDemand.of(host, Set.of());
        String logDriver = host.object("LogConfig").text("Type");
        if (!List.of("", "json-file", "local", "berth").contains(logDriver)) {
            throw AgentException.refused(
                    "log driver \"" + logDriver + "\" (HostConfig.LogConfig)",
                    "leave --log-driver out; docker logs reads Berth's own framed log");
        }
        long swappiness = host.has("MemorySwappiness") ? host.number("MemorySwappiness") : -1;
        if (swappiness != -1) {
            throw AgentException.refused(
                    "HostConfig.MemorySwappiness", "cgroup v2 has no swappiness per group");
        }
    }

    private static void refuseOthers(Fields fields, Set<String> known, Map<String, String> hints)
            throws AgentException {
        for (Map.Entry<String, JsonNode> entry : fields.node().properties()) {
            String name = entry.getKey();
            if (known.contains(name) || Fields.isEmpty(entry.getValue())) {
                continue;
            }
            if (name.equals("Healthcheck") && isNoHealthcheck(entry.getValue())) {
                continue;
            }
            throw AgentException.refused(fields.path() + "." + name, hints.getOrDefault(name, ""));
        }
    }

    private static boolean isNoHealthcheck(JsonNode healthcheck) {
        JsonNode test = healthcheck.path("Test");
        return test.isMissingNode()
                || test.isNull()
                || test.isEmpty()
                || test.path(0).asText().equals("NONE");
    }

    private static void network(String mode, JsonNode networking) throws AgentException {
        if (!List.of("", "none", "host").contains(mode)) {
            throw AgentException.refused(
                    "network \"" + mode + "\"",
                    "use --network none (only loopback; what Berth does when no network is named) or --network host");
        }
        JsonNode endpoints = networking.path("EndpointsConfig");
        for (Map.Entry<String, JsonNode> endpoint : endpoints.properties()) {
            if (!List.of("none", "host").contains(endpoint.getKey())) {
                throw AgentException.refused(
                        "network \"" + endpoint.getKey() + "\"",
                        "use --network none or --network host");
            }
            for (Map.Entry<String, JsonNode> setting : endpoint.getValue().properties()) {
                if (!Fields.isEmpty(setting.getValue())) {
                    throw AgentException.refused(
                            "NetworkingConfig.EndpointsConfig."
                                    + endpoint.getKey()
                                    + "."
                                    + setting.getKey(),
                            "");
                }
            }
        }
    }

    private static void modes(Fields host) throws AgentException {
        oneOf(host, "IpcMode", "", "private", "shareable", "host", "container:");
        oneOf(host, "PidMode", "", "private", "host", "container:");
        oneOf(host, "UTSMode", "", "private", "host");
        oneOf(host, "CgroupnsMode", "", "private", "host");
        oneOf(host, "UsernsMode", "", "host");
        oneOf(host, "Runtime", "", "berth");
        oneOf(host, "Isolation", "", "default");
    }

    private static void oneOf(Fields host, String name, String... allowed) throws AgentException {
        String value = host.text(name);
        for (String candidate : allowed) {
            if (candidate.endsWith(":")
                    ? value.startsWith(candidate) && value.length() > candidate.length()
                    : value.equals(candidate)) {
                return;
            }
        }
        throw AgentException.refused("HostConfig." + name + " \"" + value + "\"", "");
    }
}
