package dev.berth.agent.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The options of one agent.
 *
 * @param socket the API's unix socket
 * @param dataRoot images, writable layers, checkpoints: survives a reboot
 * @param execRoot sockets and state of running containers: a tmpfs
 * @param cgroupParent name of the agent's own cgroup below the cgroup2 mount; by default made from the data root, so that two agents never share one
 * @param group the group that may use the socket; empty is root only
 * @param noNewPrivileges whether containers get no_new_privs unless they ask otherwise
 * @param exitWhenIdleSeconds the agent ends after so long without a container running and without a request; 0 is never
 * @param insecureRegistries hosts that are spoken to by plain HTTP or with any certificate
 * @param devices where GPUs and other devices come from
 * @param master how it reports to a master, if it does
 */
public record AgentConfig(
        Path socket,
        Path dataRoot,
        Path execRoot,
        String cgroupParent,
        Optional<String> group,
        boolean noNewPrivileges,
        int exitWhenIdleSeconds,
        List<String> insecureRegistries,
        DeviceOptions devices,
        Optional<MasterOptions> master) {
    /** An agent without a master. */
    public AgentConfig(
            Path socket,
            Path dataRoot,
            Path execRoot,
            String cgroupParent,
            Optional<String> group,
            boolean noNewPrivileges,
            int exitWhenIdleSeconds,
            List<String> insecureRegistries,
            DeviceOptions devices) {
        this(
                socket,
                dataRoot,
                execRoot,
                cgroupParent,
                group,
                noNewPrivileges,
                exitWhenIdleSeconds,
                insecureRegistries,
                devices,
                Optional.empty());
    }

    /** The version that every tool of this build reports. */
    public static final String VERSION = "0.1.0";
}
