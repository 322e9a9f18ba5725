package dev.berth.agent.config;

import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.Namespaces;
import dev.berth.isolator.ContainerConfig.Namespaces.NetworkMode;
import dev.berth.isolator.ContainerConfig.ProcessSpec;
import dev.berth.isolator.ContainerId;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Translates a {@link ContainerSpec} into what isolators read, at Docker's defaults or tighter. */
public final class SpecTranslation {
    static final String DEFAULT_PATH =
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private final HostLookup host;
    private final boolean noNewPrivileges;

    /** {@code noNewPrivileges}: the agent's default for containers that do not say. */
    public SpecTranslation(HostLookup host, boolean noNewPrivileges) {
        this.host = host;
        this.noNewPrivileges = noNewPrivileges;
    }

    /** Who runs: numbers that were looked up inside the root. */
    public record Identity(int uid, int gid, List<Integer> groups, String home) {
        /** Root with no further group, as before the root exists. */
        public static final Identity ROOT = new Identity(0, 0, List.of(), "/root");
    }

    /** The complete configuration of one container. */
    public ContainerConfig translate(ContainerId id, ContainerSpec spec, Identity identity)
            throws AgentException {
        Fields config = new Fields(spec.config(), "Config");
        Fields hostConfig = new Fields(spec.hostConfig(), "HostConfig");
        boolean hostUts = hostConfig.text("UTSMode").equals("host");
        String hostname =
                spec.networkMode().equals("host") && config.text("Hostname").equals(id.shortForm())
                        ? host.hostname()
                        : config.text("Hostname");
        checkHostname(hostname);
        DeviceTranslation devices = new DeviceTranslation(host);
        int[] console = console(hostConfig);
        List<ContainerConfig.MountSpec> mounts = MountTranslation.mounts(hostConfig);
        long oom = hostConfig.number("OomScoreAdj");
        if (oom < -1000 || oom > 1000) {
            throw AgentException.invalid(
                    "Invalid value " + oom + ", range for oom score adj is [-1000, 1000]");
        }
        return new ContainerConfig(
                id,
                process(spec, identity, hostname),
                hostConfig.flag("ReadonlyRootfs"),
                mounts,
                namespaces(spec, hostConfig),
                hostUts ? "" : hostname,
                hostUts ? "" : config.text("Domainname"),
                SysctlRules.check(
                        hostConfig.map("Sysctls"),
                        spec.networkMode().equals("host"),
                        hostConfig.text("IpcMode").equals("host")),
                devices.nodes(hostConfig),
                devices.rules(hostConfig),
                new LimitTranslation(host).limits(hostConfig, spec.required()),
                SecurityTranslation.security(hostConfig, noNewPrivileges),
                oom == 0 ? OptionalInt.empty() : OptionalInt.of((int) oom),
                hostConfig.number("ShmSize"),
                hostConfig.flag("Init"),
                config.flag("Tty"),
                config.flag("OpenStdin"),
                console[0],
                console[1],
                MountTranslation.generated(mounts),
                List.of());
    }

    private static int[] console(Fields hostConfig) {
        int rows = hostConfig.node().path("ConsoleSize").path(0).asInt(0);
        int columns = hostConfig.node().path("ConsoleSize").path(1).asInt(0);
        return new int[] {Math.clamp(rows, 0, 65535), Math.clamp(columns, 0, 65535)};
    }

    private static void checkHostname(String hostname) throws AgentException {
        if (hostname.length() > 63 || !hostname.matches("[A-Za-z0-9]([A-Za-z0-9._-]*)?")) {
            throw AgentException.invalid(
                    "invalid hostname \"" + hostname + "\": want up to 63 letters, digits, . _ -");
        }
    }

    private ProcessSpec process(ContainerSpec spec, Identity identity, String hostname)
            throws AgentException {
        Fields config = new Fields(spec.config(), "Config");
        Map<String, String> env = new LinkedHashMap<>();
        env.put("PATH", DEFAULT_PATH);
        env.put("HOSTNAME", "HOSTNAME=" + hostname);
        if (spec.tty()) {
            env.put("TERM", "TERM=xterm");
        }
        for (String line : config.list("Env")) {
            env.put(SpecMerge.name(line), line);
        }
        env.putIfAbsent("HOME", "HOME=" + identity.home());
        String cwd = config.text("WorkingDir");
        return new ProcessSpec(
                spec.argv(),
                List.copyOf(env.values()),
                cwd.isEmpty() ? "/" : cwd,
                identity.uid(),
                identity.gid(),
                identity.groups(),
                OptionalInt.empty(),
                new LimitTranslation(host)
                        .rlimits(new Fields(spec.hostConfig(), "HostConfig"), spec.privileged()));
    }

    private Namespaces namespaces(ContainerSpec spec, Fields hostConfig) throws AgentException {
        return new Namespaces(
                spec.networkMode().equals("host") ? NetworkMode.HOST : NetworkMode.NONE,
                other(hostConfig.text("PidMode")),
                other(hostConfig.text("IpcMode")),
                hostConfig.text("PidMode").equals("host"),
                hostConfig.text("IpcMode").equals("host"),
                hostConfig.text("UTSMode").equals("host"),
                hostConfig.text("CgroupnsMode").equals("host"));
    }

    private Optional<String> other(String mode) throws AgentException {
        return mode.startsWith("container:")
                ? Optional.of(host.containerId(mode.substring("container:".length())))
                : Optional.empty();
    }

    /**
     * The process of an exec: the container's own, with what the request changes.
     *
     * @param extraEnv {@code NAME=value} lines that win over the container's
     * @param cwd empty for the container's
     */
    public ProcessSpec execProcess(
            ContainerConfig container,
            Identity identity,
            List<String> argv,
            List<String> extraEnv,
            String cwd,
            boolean tty)
            throws AgentException {
        if (argv.isEmpty()) {
            throw AgentException.invalid("No exec command specified");
        }
        Map<String, String> env = new LinkedHashMap<>();
        for (String line : container.process().env()) {
            env.put(SpecMerge.name(line), line);
        }
        if (identity.uid() != container.process().uid()) {
            env.put("HOME", "HOME=" + identity.home());
        }
        if (tty) {
            env.putIfAbsent("TERM", "TERM=xterm");
        }
        for (String line : extraEnv) {
            if (line.indexOf('=') > 0) {
                env.put(SpecMerge.name(line), line);
            }
        }
        return new ProcessSpec(
                List.copyOf(argv),
                new ArrayList<>(env.values()),
                cwd.isEmpty() ? container.process().cwd() : cwd,
                identity.uid(),
                identity.gid(),
                identity.groups(),
                OptionalInt.empty(),
                container.process().rlimits());
    }
}
