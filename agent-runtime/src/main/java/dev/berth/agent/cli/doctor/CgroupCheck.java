package dev.berth.agent.cli.doctor;

import dev.berth.agent.cli.doctor.Finding.Area;
import dev.berth.agent.cli.doctor.Finding.State;
import dev.berth.linux.ErrnoException;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The cgroup2 mount, its controllers, and an empty cgroup in which features are tried. */
final class CgroupCheck implements AutoCloseable {
    /** {@code r0 = 1; exit}: a device program that allows everything. */
    private static final byte[] ALLOW_ALL = {
        (byte) 0xb7, 0, 0, 0, 1, 0, 0, 0, (byte) 0x95, 0, 0, 0, 0, 0, 0, 0
    };

    private final Optional<Path> mount;
    private final List<String> mountInfo;
    private final List<Finding> findings = new ArrayList<>();
    private Optional<Path> group = Optional.empty();

    CgroupCheck() throws IOException {
        mountInfo = Files.readAllLines(Path.of("/proc/self/mountinfo"), StandardCharsets.UTF_8);
        mount = mountOf(mountInfo, "cgroup2", "");
    }

    /** Mount point of the first mount of a type whose super options have a word; no word takes any. */
    static Optional<Path> mountOf(List<String> mountInfo, String type, String option) {
        for (String line : mountInfo) {
            int dash = line.indexOf(" - ");
            if (dash < 0) {
                continue;
            }
            String[] after = line.substring(dash + 3).split(" ");
            if (after[0].equals(type)
                    && (option.isEmpty()
                            || List.of(after[after.length - 1].split(",")).contains(option))) {
                return Optional.of(Path.of(line.split(" ")[4]));
            }
        }
        return Optional.empty();
    }

    /** The empty cgroup; none where it could not be made. */
    Optional<Path> group() {
        return group;
    }

    List<Finding> check() {
        if (mount.isEmpty()) {
            add(
                    "cgroup2 mount",
                    false,
                    "not mounted",
                    "no container can be started, killed or limited",
                    "mount -t cgroup2 none /sys/fs/cgroup (or boot with systemd.unified_cgroup_hierarchy=1)",
                    true);
            return findings;
        }
        Path root = mount.get();
        add("cgroup2 mount", true, root.toString(), "", "", true);
        makeGroup(root);
        if (group.isPresent()) {
            file("cgroup.kill", "containers' processes are killed one by one", "Linux 5.14");
            file("cgroup.freeze", "no pause", "Linux 5.2");
            deviceProgram(group.get());
        }
        boolean psi = Files.isReadable(Path.of("/proc/pressure/memory"));
        add(
                "PSI",
                psi,
                psi ? "/proc/pressure" : "no /proc/pressure",
                "stalls are not reported",
                "boot with psi=1 and a kernel with CONFIG_PSI",
                false);
        controllers(root);
        return findings;
    }

    private void makeGroup(Path root) {
        Path made = root.resolve("berth-doctor-" + ProcessHandle.current().pid());
        try {
            Files.createDirectory(made);
            group = Optional.of(made);
            add("make a cgroup", true, "", "", "", true);
        } catch (IOException e) {
            add(
                    "make a cgroup",
                    false,
                    String.valueOf(e.getMessage()),
                    "no container can be started",
                    "run as root; in a container, mount cgroup2 writable",
                    true);
        }
    }

    private void file(String name, String cost, String kernel) {
        boolean there = group.isPresent() && Files.exists(group.get().resolve(name));
        add(name, there, "", cost, "a kernel from " + kernel + " on", true);
    }

    private void deviceProgram(Path cgroup) {
        Linux linux = Linux.host();
        String name = "BPF device program";
        try (OwnedFd directory =
                        linux.files()
                                .openat(
                                        Fd.CWD,
                                        cgroup.toString(),
                                        Open.O_RDONLY | Open.O_DIRECTORY,
                                        0);
                OwnedFd program = linux.bpf().loadDeviceProgram("berth_doctor", ALLOW_ALL)) {
            linux.bpf().attachDeviceProgram(directory, program, Optional.empty());
            linux.bpf().detachDeviceProgram(directory, program);
            add(name, true, "loaded and attached", "", "", true);
        } catch (ErrnoException e) {
            add(
                    name,
                    false,
                    String.valueOf(e.getMessage()).lines().findFirst().orElse(""),
                    "device access cannot be confined: no container is started",
                    "a kernel with CONFIG_CGROUP_BPF, and CAP_BPF or CAP_SYS_ADMIN",
                    true);
        }
    }

    private void controllers(Path root) {
        List<String> have;
        try {
            have =
                    List.of(
                            Files.readString(
                                            root.resolve("cgroup.controllers"),
                                            StandardCharsets.UTF_8)
                                    .strip()
                                    .split(" "));
        } catch (IOException e) {
            have = List.of();
        }
        controller(have, "cpu", "cpu", "--cpus and --cpu-shares are not enforced");
        controller(have, "memory", "memory", "--memory is not enforced");
        controller(have, "pids", "pids", "--pids-limit is not enforced");
        controller(have, "io", "blkio", "--device-read-bps and the like are not enforced");
        controller(have, "cpuset", "cpuset", "--cpuset-cpus is not enforced");
        controller(have, "hugetlb", "hugetlb", "huge pages are not limited");
        controller(have, "rdma", "rdma", "RDMA handles are not limited");
        controller(have, "misc", "misc", "misc resources are not limited");
    }

    private void controller(List<String> have, String name, String versionOne, String cost) {
        boolean there = have.contains(name);
        Optional<Path> elsewhere = mountOf(mountInfo, "cgroup", versionOne);
        String detail = there ? "in cgroup2" : "not in cgroup2";
        String fix = "a kernel with that controller";
        if (!there && elsewhere.isPresent()) {
            detail = "in cgroup v1 at " + elsewhere.get();
            fix =
                    "boot with cgroup_no_v1=all (or systemd.unified_cgroup_hierarchy=1): a controller is in one version at a time";
        }
        add("controller " + name, there, detail, cost, fix, false);
    }

    private void add(
            String name, boolean present, String detail, String cost, String fix, boolean needed) {
        Finding finding = Finding.of(Area.CGROUPS, name, present, detail, cost, fix);
        findings.add(
                new Finding(
                        finding.area(),
                        name,
                        present ? State.PRESENT : State.MISSING,
                        needed,
                        finding.detail(),
                        finding.cost(),
                        finding.fix()));
    }

    /** Removes the cgroup. */
    @Override
    public void close() throws IOException {
        if (group.isPresent()) {
            Files.deleteIfExists(group.get());
        }
    }
}
