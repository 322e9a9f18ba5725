package dev.berth.agent.tasks;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.berth.agent.config.AgentException;
import dev.berth.protocol.v1.Protos.CapabilityInfo;
import dev.berth.protocol.v1.Protos.ContainerInfo;
import dev.berth.protocol.v1.Protos.LinuxInfo;
import dev.berth.protocol.v1.Protos.RLimitInfo;

import java.util.Locale;

/** Network, terminal, capabilities and resource limits of processes, from {@code ContainerInfo}. */
final class TaskSecurity {
    private TaskSecurity() {}

    static void add(ObjectNode body, ObjectNode host, ContainerInfo container, boolean docker)
            throws AgentException {
        if (container.getNetworkInfosCount() > 0) {
            throw AgentException.refused(
                    "network_infos", "leave it out: the task then has the host's network");
        }
        host.put("NetworkMode", "host");
        if (docker) {
            docker(host, container.getDocker());
        }
        if (container.hasTtyInfo()) {
            body.put("Tty", true);
            host.putArray("ConsoleSize")
                    .add(container.getTtyInfo().getWindowSize().getRows())
                    .add(container.getTtyInfo().getWindowSize().getColumns());
        }
        linux(host, container.getLinuxInfo());
        if (container.getRlimitInfo().getRlimitsCount() > 0) {
            ArrayNode ulimits = host.putArray("Ulimits");
            for (RLimitInfo.RLimit limit : container.getRlimitInfo().getRlimitsList()) {
                if (limit.hasSoft() != limit.hasHard()) {
                    throw AgentException.invalid(
                            "rlimit_info: "
                                    + limit.getType()
                                    + " wants both soft and hard, or neither for no limit");
                }
                String name = limit.getType().name().replace("RLMT_", "").toLowerCase(Locale.ROOT);
                ulimits.addObject()
                        .put("Name", name)
                        .put("Soft", limit.hasSoft() ? limit.getSoft() : -1)
                        .put("Hard", limit.hasHard() ? limit.getHard() : -1);
            }
        }
    }

    private static void docker(ObjectNode host, ContainerInfo.DockerInfo docker)
            throws AgentException {
        switch (docker.getNetwork()) {
            case HOST -> {}
            case NONE -> host.put("NetworkMode", "none");
            case BRIDGE, USER ->
                    throw AgentException.refused(
                            "docker.network " + docker.getNetwork(), "use HOST or NONE");
        }
        if (docker.getParametersCount() > 0) {
            throw AgentException.refused(
                    "docker.parameters (" + docker.getParameters(0).getKey() + ")", "");
        }
        if (docker.getPortMappingsCount() > 0) {
            throw AgentException.refused(
                    "docker.port_mappings", "with the network HOST the ports are the host's");
        }
        if (docker.getPrivileged()) {
            host.put("Privileged", true);
        }
    }

    private static void linux(ObjectNode host, LinuxInfo linux) throws AgentException {
        if (linux.getSharePidNamespace()) {
            host.put("PidMode", "host");
        }
        if (linux.getIpcMode() == LinuxInfo.IpcMode.SHARE_PARENT) {
            host.put("IpcMode", "host");
        }
        if (linux.hasShmSize()) {
            host.put("ShmSize", (long) linux.getShmSize() << 20);
        }
        if (linux.getSeccomp().getUnconfined()) {
            host.putArray("SecurityOpt").add("seccomp=unconfined");
        } else if (linux.getSeccomp().hasProfileName()) {
            throw AgentException.refused("linux_info.seccomp.profile_name", "leave it out");
        }
        if (TaskRequest.has(linux, "capability_info")) {
            throw AgentException.refused(
                    "linux_info.capability_info", "use effective_capabilities");
        }
        if (linux.hasEffectiveCapabilities() || linux.hasBoundingCapabilities()) {
            // What a program could gain by a set-uid file is no more than what it has: less than
            // Mesos allows where both are given, never more.
            CapabilityInfo wanted =
                    linux.hasEffectiveCapabilities()
                            ? linux.getEffectiveCapabilities()
                            : linux.getBoundingCapabilities();
            if (linux.hasBoundingCapabilities()
                    && !linux.getBoundingCapabilities()
                            .getCapabilitiesList()
                            .containsAll(wanted.getCapabilitiesList())) {
                throw AgentException.invalid(
                        "linux_info: effective_capabilities beyond bounding_capabilities");
            }
            host.putArray("CapDrop").add("ALL");
            ArrayNode add = host.putArray("CapAdd");
            wanted.getCapabilitiesList().forEach(capability -> add.add(capability.name()));
        }
    }
}
