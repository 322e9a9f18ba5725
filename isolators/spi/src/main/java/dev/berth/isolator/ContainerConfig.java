package dev.berth.isolator;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What a container should be, complete and validated: image defaults are merged in, users looked up, defaults filled. Isolators read it; nothing changes it.
 *
 * @param id the container
 * @param process what runs
 * @param readOnlyRoot whether the root file system is attached read-only
 * @param mounts binds, tmpfs and the like, in order, beyond the default file systems
 * @param namespaces the namespaces that are made or shared
 * @param hostname UTS host name; empty leaves it (a shared UTS namespace)
 * @param domainname NIS domain name
 * @param sysctls namespaced sysctls only, validated
 * @param devices device nodes beyond the default ones
 * @param deviceRules device cgroup rules beyond the default ones
 * @param limits resource limits
 * @param security capabilities, seccomp, paths
 * @param oomScoreAdj −1000 to 1000; empty leaves it
 * @param shmSizeBytes size of {@code /dev/shm}
 * @param init whether our own init is pid 1
 * @param tty whether a pseudo-terminal is made
 * @param openStdin whether standard input is a pipe (else {@code /dev/null})
 * @param consoleRows first window size; 0 leaves it
 * @param consoleColumns first window size
 * @param hostsFiles generated files that are bound over the root: path to a name the containerizer fills as a slot ("/etc/hosts" to "hosts")
 * @param links symbolic links that are made in the root before the first process, where nothing is yet
 */
public record ContainerConfig(
        ContainerId id,
        ProcessSpec process,
        boolean readOnlyRoot,
        List<MountSpec> mounts,
        Namespaces namespaces,
        String hostname,
        String domainname,
        Map<String, String> sysctls,
        List<DeviceNode> devices,
        List<DeviceRule> deviceRules,
        ResourceLimits limits,
        Security security,
        OptionalInt oomScoreAdj,
        long shmSizeBytes,
        boolean init,
        boolean tty,
        boolean openStdin,
        int consoleRows,
        int consoleColumns,
        Map<String, String> hostsFiles,
        List<Link> links) {

    /**
     * The process.
     *
     * @param argv at least one element; argv[0] without a slash is looked up in PATH of {@code env}
     * @param env {@code NAME=value}
     * @param cwd absolute, inside the container; made when missing
     */
    public record ProcessSpec(
            List<String> argv,
            List<String> env,
            String cwd,
            int uid,
            int gid,
            List<Integer> groups,
            OptionalInt umask,
            List<Rlimit> rlimits) {}

    /** A POSIX resource limit. {@code required}: the user asked for it, so failing to set it (EPERM) fails the launch; otherwise it is a warning. */
    public record Rlimit(int resource, String name, long soft, long hard, boolean required) {}

    /** How the container's namespaces are made. */
    public record Namespaces(
            NetworkMode network,
            Optional<String> pidOf,
            Optional<String> ipcOf,
            boolean hostPid,
            boolean hostIpc,
            boolean hostUts,
            boolean hostCgroup) {
        /** None: an own network namespace with only loopback up. Host: the agent's. */
        public enum NetworkMode {
            NONE,
            HOST
        }
    }

    /** A mount that the user asked for. */
    public sealed interface MountSpec {
        /** Absolute path inside the container. */
        String target();

        /**
         * A bind of a host path. {@code recursiveReadOnly}: submounts too. {@code propagation}: a MS_* propagation flag (private, rprivate, slave, rslave, shared, rshared), 0 is rprivate.
         */
        record Bind(
                String source,
                String target,
                boolean readOnly,
                boolean recursiveReadOnly,
                boolean recursive,
                String propagation,
                boolean noExec,
                boolean noSuid,
                boolean noDev)
                implements MountSpec {}

        /** A tmpfs. {@code sizeBytes} 0 is the kernel's default (half of memory). {@code mode} octal as in chmod(1). */
        record Tmpfs(
                String target,
                long sizeBytes,
                int mode,
                int uid,
                int gid,
                boolean readOnly,
                boolean exec)
                implements MountSpec {}

        /** A tree that the agent holds ready: attached as it is, with all that is mounted in it. */
        record Ready(ReadyMount mount, String target) implements MountSpec {}
    }

    /** A symbolic link: {@code path} absolute inside the container, {@code target} what it says, resolved inside the container. */
    public record Link(String path, String target) {}

    /** A device node: {@code type} is 'c' or 'b'; {@code access} a subset of "rwm". */
    public record DeviceNode(
            String path,
            char type,
            int major,
            int minor,
            int mode,
            int uid,
            int gid,
            String access) {}

    /** A device cgroup rule: {@code type} 'a', 'b' or 'c'; empty numbers are wildcards; {@code access} a subset of "rwm". Later rules win. */
    public record DeviceRule(
            boolean allow, char type, OptionalInt major, OptionalInt minor, String access) {}

    /**
     * Security settings.
     *
     * @param capabilities the bounding, permitted and effective set of root (names without CAP_); a user other than root keeps none unless ambient
     * @param ambient ambient (and inheritable) capabilities
     * @param seccomp the profile: {@code "default"}, {@code "unconfined"} or a profile's JSON text
     * @param maskedPaths absolute paths that are hidden
     * @param readOnlyPaths absolute paths that are made read-only
     */
    public record Security(
            boolean privileged,
            Set<String> capabilities,
            Set<String> ambient,
            String seccomp,
            boolean noNewPrivileges,
            List<String> maskedPaths,
            List<String> readOnlyPaths) {}
}
