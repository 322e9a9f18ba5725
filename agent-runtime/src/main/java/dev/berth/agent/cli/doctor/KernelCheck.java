package dev.berth.agent.cli.doctor;

import dev.berth.agent.cli.doctor.Finding.Area;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Linux;
import dev.berth.linux.Memfd;
import dev.berth.linux.OwnedFd;
import dev.berth.linux.process.HelperCommand;
import dev.berth.linux.process.HelperProcess;
import dev.berth.linux.process.HelperResult;
import dev.berth.shim.ShimBinary;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Kernel features, tried by the probe program, which is executed from a sealed memory file as the shim is. */
final class KernelCheck {
    private static final Duration DEADLINE = Duration.ofSeconds(20);
    private static final int OUTPUT_LIMIT_BYTES = 64 * 1024;

    /**
     * What the probe tries.
     *
     * @param key the probe's name of it
     */
    private record Feature(String key, String name, boolean needed, String cost, String fix) {}

    private static final List<Feature> FEATURES =
            List.of(
                    need("clone3-pidfd", "clone3 and pidfd", "Linux 5.3"),
                    need("clone-into-cgroup", "clone3 into a cgroup", "Linux 5.7"),
                    need("openat2", "openat2", "Linux 5.6"),
                    need("close-range", "close_range", "Linux 5.9"),
                    need(
                            "mount-api",
                            "mount API (fsopen, fsmount)",
                            "Linux 5.2, and CAP_SYS_ADMIN"),
                    need("mount-setattr", "mount_setattr, recursive", "Linux 5.12"),
                    need("overlay", "overlay file system", "CONFIG_OVERLAY_FS (modprobe overlay)"),
                    need("seccomp-filter", "seccomp filters", "CONFIG_SECCOMP_FILTER"),
                    need("ns-mount", "mount namespace", "CAP_SYS_ADMIN"),
                    need("ns-pid", "pid namespace", "CONFIG_PID_NS and CAP_SYS_ADMIN"),
                    need("ns-net", "network namespace", "CONFIG_NET_NS and CAP_SYS_ADMIN"),
                    need("ns-ipc", "ipc namespace", "CONFIG_IPC_NS and CAP_SYS_ADMIN"),
                    need("ns-uts", "uts namespace", "CONFIG_UTS_NS and CAP_SYS_ADMIN"),
                    need("ns-cgroup", "cgroup namespace", "CONFIG_CGROUPS and CAP_SYS_ADMIN"),
                    use(
                            "ns-user",
                            "user namespace",
                            "no user-namespaced containers",
                            "sysctl user.max_user_namespaces above 0; kernel.unprivileged_userns_clone=1"),
                    use(
                            "ns-time",
                            "time namespace",
                            "no time offsets",
                            "Linux 5.6, CONFIG_TIME_NS"),
                    use(
                            "overlay-lowerdir-fd",
                            "overlay layers by descriptor (lowerdir+)",
                            "long layer stacks go through mount(2) with short names",
                            "Linux 6.8"),
                    use(
                            "idmapped-tmpfs",
                            "idmapped tmpfs",
                            "user-namespaced containers cannot share a tmpfs",
                            "Linux 6.3"),
                    use(
                            "memfd-exec",
                            "execute a sealed memory file",
                            "the shim is executed from a file below exec-root instead",
                            "sysctl vm.memfd_noexec=0"),
                    use(
                            "pidfd-exit-info",
                            "exit status from a pidfd",
                            "an exit whose monitor was killed is recorded as unknown",
                            "Linux 6.15"),
                    use(
                            "open-tree-namespace",
                            "OPEN_TREE_NAMESPACE",
                            "a start copies and drops a few mounts",
                            "Linux 7.0"),
                    use("statmount", "statmount", "mounts are read from mountinfo", "Linux 6.8"),
                    use(
                            "landlock",
                            "Landlock",
                            "no second wall round host directories",
                            "Linux 5.13, CONFIG_SECURITY_LANDLOCK, lsm=landlock,…"));

    private KernelCheck() {}

    private static Feature need(String key, String name, String fix) {
        return new Feature(key, name, true, "no container can be started", fix);
    }

    private static Feature use(String key, String name, String cost, String fix) {
        return new Feature(key, name, false, cost, fix);
    }

    /** @param cgroup an empty cgroup; without one, starting into a cgroup is not tried and counts as missing */
    static List<Finding> check(Optional<Path> cgroup) {
        List<Finding> findings = new ArrayList<>();
        Map<String, String> results;
        try {
            results = probe(cgroup);
        } catch (ErrnoException e) {
            findings.add(
                    Finding.of(
                                    Area.KERNEL,
                                    "start a program",
                                    false,
                                    String.valueOf(e.getMessage()),
                                    "nothing can be started",
                                    "allow memfd_create and execution from memory (vm.memfd_noexec=0)")
                            .whenNeeded());
            return findings;
        }
        for (Feature feature : FEATURES) {
            String result = results.getOrDefault(feature.key(), "not tried");
            boolean there = result.equals("OK");
            Finding finding =
                    Finding.of(
                            Area.KERNEL,
                            feature.name(),
                            there,
                            there ? "" : result,
                            feature.cost(),
                            feature.fix());
            findings.add(feature.needed() ? finding.whenNeeded() : finding);
        }
        boolean huge = Files.isDirectory(Path.of("/sys/kernel/mm/hugepages"));
        findings.add(
                Finding.of(
                        Area.KERNEL,
                        "huge pages",
                        huge,
                        "",
                        "no huge pages for containers",
                        "CONFIG_HUGETLBFS"));
        return findings;
    }

    private static Map<String, String> probe(Optional<Path> cgroup) throws ErrnoException {
        Linux linux = Linux.host();
        List<String> argv = new ArrayList<>(List.of("berth-probe", "features"));
        if (cgroup.isPresent()) {
            argv.add(cgroup.get().toString());
        }
        HelperResult result;
        try (OwnedFd program = linux.files().memfdCreate("berth-doctor", Memfd.MFD_ALLOW_SEALING)) {
            linux.files().writeAll(program, ShimBinary.probe().bytes());
            result =
                    HelperProcess.run(
                            linux,
                            HelperCommand.of(program, argv, Map.of()),
                            new byte[0],
                            DEADLINE,
                            OUTPUT_LIMIT_BYTES);
        }
        return parse(new String(result.output(), StandardCharsets.UTF_8));
    }

    /** Lines {@code feature NAME RESULT}. */
    static Map<String, String> parse(String output) {
        Map<String, String> results = new HashMap<>();
        for (String line : output.split("\n")) {
            String[] words = line.split(" ");
            if (words.length == 3 && words[0].equals("feature")) {
                results.put(words[1], words[2]);
            }
        }
        return results;
    }
}
