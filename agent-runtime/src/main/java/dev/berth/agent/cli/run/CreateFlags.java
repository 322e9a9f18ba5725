package dev.berth.agent.cli.run;

import dev.berth.agent.cli.args.Flag;

import java.util.ArrayList;
import java.util.List;

/** The flags that {@code run}, {@code create} and {@code plan} share. */
final class CreateFlags {
    private CreateFlags() {}

    /** All of them, in the order of the help. */
    static List<Flag> all() {
        List<Flag> flags = new ArrayList<>();
        process(flags);
        files(flags);
        limits(flags);
        security(flags);
        life(flags);
        refused(flags);
        return flags;
    }

    private static void process(List<Flag> flags) {
        flags.add(Flag.toggle("interactive", "Keep standard input open").letter('i'));
        flags.add(Flag.toggle("tty", "Give it a terminal").letter('t'));
        flags.add(Flag.value("name", "NAME", "Name of the container"));
        flags.add(
                Flag.list("env", "NAME[=VALUE]", "Environment; without a value, the caller's")
                        .letter('e'));
        flags.add(Flag.list("env-file", "FILE", "Environment from a file of NAME=VALUE lines"));
        flags.add(Flag.value("entrypoint", "PROGRAM", "Instead of the image's entry point"));
        flags.add(Flag.value("workdir", "DIR", "Working directory").letter('w'));
        flags.add(Flag.value("user", "USER[:GROUP]", "User, by name or number").letter('u'));
        flags.add(Flag.list("group-add", "GROUP", "Further groups"));
        flags.add(Flag.value("hostname", "NAME", "Host name").letter('h'));
        flags.add(Flag.value("domainname", "NAME", "NIS domain name"));
        flags.add(Flag.list("label", "NAME[=VALUE]", "Label").letter('l'));
        flags.add(Flag.list("label-file", "FILE", "Labels from a file"));
        flags.add(Flag.toggle("init", "Run an init of ours as pid 1"));
        flags.add(Flag.value("network", "none|host", "Network (default: none)").also("net"));
        flags.add(Flag.list("add-host", "NAME:ADDRESS", "Line for /etc/hosts"));
        flags.add(Flag.value("pid", "host|container:ID", "Share a pid namespace"));
        flags.add(
                Flag.value(
                        "ipc",
                        "private|shareable|host|container:ID",
                        "Share or keep an ipc namespace"));
        flags.add(Flag.value("uts", "host", "Share the host's uts namespace"));
        flags.add(Flag.value("cgroupns", "private|host", "Cgroup namespace"));
        flags.add(Flag.list("sysctl", "NAME=VALUE", "Namespaced kernel parameter"));
    }

    private static void files(List<Flag> flags) {
        flags.add(
                Flag.list("volume", "/HOST:/PATH[:ro]", "Bind a host path into the container")
                        .letter('v'));
        flags.add(
                Flag.list("mount", "type=bind,src=,dst=,…", "Bind or tmpfs with all its options"));
        flags.add(Flag.list("tmpfs", "/PATH[:OPTIONS]", "Mount a tmpfs"));
        flags.add(Flag.toggle("read-only", "Read-only root file system"));
        flags.add(Flag.value("shm-size", "BYTES", "Size of /dev/shm (default: 64m)"));
        flags.add(Flag.value("rootfs", "DIR", "Use a host directory as root instead of an image"));
        flags.add(Flag.value("platform", "OS/ARCH", "Platform of the image"));
        flags.add(
                Flag.value(
                        "pull",
                        "missing|always|never",
                        "When to pull the image (default: missing)"));
    }

    private static void limits(List<Flag> flags) {
        flags.add(Flag.value("memory", "BYTES", "Memory limit").letter('m'));
        flags.add(Flag.value("memory-swap", "BYTES", "Memory plus swap; -1 is unlimited"));
        flags.add(Flag.value("memory-reservation", "BYTES", "Memory that is kept when short"));
        flags.add(Flag.value("cpus", "N", "Processors' worth of time"));
        flags.add(Flag.value("cpu-shares", "N", "Weight, 2 to 262144").letter('c'));
        flags.add(Flag.value("cpu-period", "US", "Length of a quota's period"));
        flags.add(Flag.value("cpu-quota", "US", "Time in each period"));
        flags.add(Flag.value("cpuset-cpus", "LIST", "Processors it may run on (0-3,7)"));
        flags.add(Flag.value("cpuset-mems", "LIST", "Memory nodes it may use"));
        flags.add(Flag.value("pids-limit", "N", "Number of processes; -1 is unlimited"));
        flags.add(Flag.list("ulimit", "NAME=SOFT[:HARD]", "POSIX limit (nofile=1024:2048)"));
        flags.add(Flag.value("blkio-weight", "N", "Weight of block IO, 10 to 1000"));
        flags.add(Flag.list("device-read-bps", "/DEV:BYTES", "Bytes read per second"));
        flags.add(Flag.list("device-write-bps", "/DEV:BYTES", "Bytes written per second"));
        flags.add(Flag.list("device-read-iops", "/DEV:N", "Reads per second"));
        flags.add(Flag.list("device-write-iops", "/DEV:N", "Writes per second"));
        flags.add(
                Flag.list(
                        "require",
                        "LIMIT",
                        "Refuse the start where cpu, memory, pids, io or cpuset limits cannot be enforced"));
        flags.add(Flag.value("oom-score-adj", "N", "-1000 (never killed) to 1000"));
    }

    private static void security(List<Flag> flags) {
        flags.add(Flag.list("cap-add", "CAPABILITY", "Add a capability, or ALL"));
        flags.add(Flag.list("cap-drop", "CAPABILITY", "Drop a capability, or ALL"));
        flags.add(
                Flag.list("security-opt", "OPTION", "no-new-privileges, seccomp=unconfined|FILE"));
        flags.add(Flag.toggle("privileged", "No isolation from the kernel: everything allowed"));
        flags.add(
                Flag.list(
                        "gpus",
                        "N|all|device=ID,…",
                        "GPUs of its own: so many, all, or these by index or UUID; capabilities=compute,…"));
        flags.add(
                Flag.list(
                        "device",
                        "/HOST[:/PATH][:rwm]",
                        "Let it use a device node of the host, or a CDI device (nvidia.com/gpu=0)"));
        flags.add(Flag.list("device-cgroup-rule", "RULE", "Rule such as 'c 10:200 rwm'"));
    }

    private static void life(List<Flag> flags) {
        flags.add(Flag.toggle("rm", "Remove the container when it ends"));
        flags.add(Flag.value("restart", "POLICY", "no, on-failure[:N], always, unless-stopped"));
        flags.add(Flag.value("stop-signal", "SIGNAL", "What stop sends first"));
        flags.add(Flag.value("stop-timeout", "SECONDS", "How long stop waits before killing"));
        flags.add(Flag.list("log-opt", "NAME=VALUE", "max-size, max-file"));
        flags.add(Flag.value("cidfile", "FILE", "Write the container's id there"));
    }

    private static void refused(List<Flag> flags) {
        String ports =
                "ports are published by bridge networks, which this version does not have; use --network host";
        flags.add(Flag.refused("publish", ports).letter('p'));
        flags.add(Flag.refused("publish-all", ports).letter('P'));
        flags.add(Flag.refused("link", "not supported; use --network host"));
        flags.add(Flag.refused("volumes-from", "not supported; bind the same host path in both"));
        flags.add(Flag.refused("userns", "user namespaces are not supported yet"));
        flags.add(Flag.refused("health-cmd", "health checks are not supported yet; use exec"));
        flags.add(
                Flag.refused("cgroup-parent", "belongs to the agent: berth agent --cgroup-parent"));
        flags.add(Flag.refused("log-driver", "there is one, berth's own framed log; leave it out"));
    }
}
