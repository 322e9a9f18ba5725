package dev.berth.containerizer.launch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.MountSpec.Bind;
import dev.berth.isolator.ContainerConfig.MountSpec.Tmpfs;
import dev.berth.isolator.ContainerConfig.Namespaces;
import dev.berth.isolator.ContainerConfig.Namespaces.NetworkMode;
import dev.berth.isolator.ContainerConfig.Rlimit;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Launch programs on the real kernel: what a process finds is what its configuration says. */
@Tag("root")
@SuppressWarnings("NullAway.Init")
class LaunchRootTest {
    @TempDir static Path scratch;
    private static RootLaunch launch;

    @BeforeAll
    static void start() throws Exception {
        launch = new RootLaunch(scratch);
    }

    @AfterAll
    static void end() {
        launch.close();
    }

    private static Configs script(String script) {
        return launch.config("sh", "-c", script);
    }

    private static String out(Configs config) throws Exception {
        RootLaunch.Result result = launch.run(config);
        assertThat(result.failure()).isEmpty();
        return result.output();
    }

    private static String out(String text) throws Exception {
        return out(script(text));
    }

    @Test
    void runsTheProgram() throws Exception {
        assertThat(out("echo hello; pwd; hostname")).isEqualTo("hello\n/\nbox\n");
        assertThat(launch.run(script("exit 7")).code()).isEqualTo(7);
    }

    @Test
    void isTheFirstProcessAndSeesNoOther() throws Exception {
        assertThat(out("echo $$; ls -d /proc/[0-9]*; cat /proc/self/sessionid 2>/dev/null"))
                .startsWith("1\n/proc/1\n");
    }

    @Test
    void seesNothingOfTheHostsMounts() throws Exception {
        String mounts = out("cat /proc/self/mountinfo");
        assertThat(mounts.lines().map(l -> l.split(" ")[4]))
                .contains(
                        "/",
                        "/proc",
                        "/dev",
                        "/dev/pts",
                        "/dev/shm",
                        "/dev/mqueue",
                        "/sys",
                        "/sys/fs/cgroup")
                .allMatch(at ->
                        at.equals("/")
                                || at.startsWith("/proc")
                                || at.startsWith("/dev")
                                || at.startsWith("/sys"));
        assertThat(mounts).doesNotContain("shared:").doesNotContain("master:");
        assertThat(mounts.lines().filter(l -> l.contains(" /sys ")).findFirst().orElseThrow())
                .contains("ro,nosuid,nodev,noexec");
        assertThat(mounts.lines().filter(l -> l.contains(" /dev/shm ")).findFirst().orElseThrow())
                .contains("size=65536k");
    }

    @Test
    void hasNoDescriptorOfTheLaunch() throws Exception {
        // ls itself opens the directory as 3.
        assertThat(out("ls /proc/1/fd; ls /proc/self/fd")).isEqualTo("0\n1\n2\n0\n1\n2\n3\n");
    }

    @Test
    void hasDockersCapabilitiesAndAFilter() throws Exception {
        String status = out(launch.config("cat", "/proc/1/status"));
        assertThat(status)
                .contains("CapInh:\t0000000000000000")
                .contains("CapPrm:\t00000000a80425fb")
                .contains("CapEff:\t00000000a80425fb")
                .contains("CapBnd:\t00000000a80425fb")
                .contains("CapAmb:\t0000000000000000")
                .contains("NoNewPrivs:\t0")
                .contains("Seccomp:\t2")
                .contains("Umask:\t0022")
                .contains("SigBlk:\t0000000000000000")
                .contains("SigIgn:\t0000000000000000");
        String allowed =
                status.lines()
                        .filter(l -> l.startsWith("Cpus_allowed_list"))
                        .findFirst()
                        .orElseThrow();
        assertThat(allowed)
                .isEqualTo(
                        "Cpus_allowed_list:\t"
                                + Files.readString(Path.of("/sys/devices/system/cpu/online"))
                                        .strip());
    }

    @Test
    void filterIsInForceWithAndWithoutNoNewPrivileges() throws Exception {
        for (boolean on : new boolean[] {true, false}) {
            Configs c = launch.config("sh", "-c", "cat /proc/self/status; umount /proc 2>&1; true");
            c.noNewPrivileges = on;
            assertThat(out(c)).contains("NoNewPrivs:\t" + (on ? 1 : 0)).contains("Seccomp:\t2");
            Configs user = script("cat /proc/self/status");
            user.noNewPrivileges = on;
            user.uid = 1000;
            user.gid = 1000;
            assertThat(out(user))
                    .contains("NoNewPrivs:\t" + (on ? 1 : 0))
                    .contains("Seccomp:\t2")
                    .contains("CapPrm:\t0000000000000000");
        }
    }

    @Test
    void unconfinedHasNoFilter() throws Exception {
        Configs c = script("cat /proc/self/status");
        c.seccomp = "unconfined";
        assertThat(out(c)).contains("Seccomp:\t0");
    }

    @Test
    void userHasItsGroupsAndNoCapabilities() throws Exception {
        Configs c =
                script(
                        "id; cat /proc/self/status; echo again > /dev/stdout; echo err > /dev/stderr");
        c.uid = 1000;
        c.gid = 1001;
        c.groups = List.of(1001, 27, 44);
        assertThat(out(c))
                .contains("uid=1000 gid=1001 groups=27,44,1001")
                .contains("CapPrm:\t0000000000000000")
                .contains("CapEff:\t0000000000000000")
                .contains("CapBnd:\t00000000a80425fb")
                .contains("again\n")
                .contains("err\n");
    }

    @Test
    void ambientCapabilitiesReachAUser() throws Exception {
        Configs c = script("cat /proc/self/status");
        c.uid = 1000;
        c.gid = 1000;
        c.ambient = Set.of("NET_BIND_SERVICE");
        assertThat(out(c))
                .contains("CapInh:\t0000000000000400")
                .contains("CapPrm:\t0000000000000400")
                .contains("CapEff:\t0000000000000400")
                .contains("CapAmb:\t0000000000000400");
    }

    @Test
    void devHasItsNodesAndNoMore() throws Exception {
        assertThat(
                        out(
                                "ls /dev; echo x > /dev/null; dd if=/dev/zero bs=4 count=1 2>/dev/null | wc -c"))
                .isEqualTo(
                        "fd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n4\n");
        assertThat(out("stat -c '%n %a %F %t:%T' /dev/null /dev/full /dev/shm; readlink /dev/ptmx"))
                .isEqualTo(
                        "/dev/null 666 character special file 1:3\n/dev/full 666 character special file 1:7\n/dev/shm 1777 directory 0:0\npts/ptmx\n");
    }

    @Test
    void askedForDevicesAreThere() throws Exception {
        Configs c = script("stat -c '%n %a %u:%g %t:%T' /dev/net/tun /dev/a/b/c /opt/dev");
        Files.createDirectories(launch.root().resolve("opt"));
        c.devices =
                List.of(
                        new DeviceNode("/dev/net/tun", 'c', 10, 200, 0660, 0, 7, "rwm"),
                        new DeviceNode("/dev/a/b/c", 'b', 7, 300, 0600, 5, 6, "r"),
                        new DeviceNode("/opt/dev", 'c', 1, 3, 0600, 0, 0, "r"));
        assertThat(out(c))
                .isEqualTo(
                        "/dev/net/tun 660 0:7 a:c8\n/dev/a/b/c 600 5:6 7:12c\n/opt/dev 600 0:0 1:3\n");
        Files.delete(launch.root().resolve("opt/dev"));
    }

    @Test
    void masksHideAndReadOnlyPathsRefuse() throws Exception {
        String out =
                out(
                        "cat /proc/interrupts | wc -c; cat /proc/timer_list | wc -c; ls /sys/firmware | wc -l; echo 1 > /proc/sys/kernel/pid_max; echo $?;"
                                + " touch /sys/firmware/x; echo $?; echo h > /proc/sysrq-trigger; echo $?");
        assertThat(out.lines().filter(l -> l.matches("\\d+")))
                .containsExactly("0", "0", "0", "1", "1", "1");
    }

    @Test
    void masksStandWhenTheUserBringsHisOwnDev() throws Exception {
        Configs c = script("cat /proc/interrupts | wc -c; ls /dev/null");
        c.mounts =
                List.of(
                        new Bind(
                                "/dev",
                                "/dev",
                                false,
                                false,
                                true,
                                "rprivate",
                                false,
                                false,
                                false));
        assertThat(out(c)).isEqualTo("0\n/dev/null\n");
    }

    @Test
    void terminalIsTheControllingOne() throws Exception {
        Configs c =
                script(
                        "tty; ls -l /dev/console | head -c 1; stat -c %u /dev/pts/0; echo ok > /dev/tty; test -t 0 && echo yes; ls -1 /dev/pts");
        c.tty = true;
        c.uid = 1000;
        assertThat(out(c).replace("\r", "")).isEqualTo("/dev/pts/0\nc1000\nok\nyes\n0\nptmx\n");
    }

    @Test
    void consoleIsTheTerminal() throws Exception {
        Configs c = script("echo hi > /dev/console; stat -c %t:%T /dev/console");
        c.tty = true;
        assertThat(out(c).replace("\r", "")).isEqualTo("hi\n88:0\n");
    }

    @Test
    void initIsTheFirstProcess() throws Exception {
        Configs c = script("echo $$; cat /proc/1/comm; ls /proc/1/fd | wc -l; exit 3");
        c.init = true;
        RootLaunch.Result result = launch.run(c);
        assertThat(result.failure()).isEmpty();
        assertThat(result.output()).isEqualTo("2\nberth-init\n0\n");
        assertThat(result.code()).isEqualTo(3);
    }

    @Test
    void bindsAreAttachedAsAskedFor() throws Exception {
        Path source = Files.createDirectories(scratch.resolve("source"));
        Files.writeString(source.resolve("file"), "content");
        Files.createSymbolicLink(launch.root().resolve("out"), Path.of("/../../../../tmp"));
        Configs c =
                script(
                        "cat /data/file /one/two/single; touch /data/x 2>&1; echo rw > /rw/made; ls -d /tmp/deep; cat /etc/hosts");
        c.mounts =
                List.of(
                        bind(source, "/data", true),
                        bind(source.resolve("file"), "/one/two/single", false),
                        bind(source, "/rw/../rw/", false),
                        // A link that points outside stays inside.
                        bind(source, "/out/deep", false),
                        bind(source.resolve("file"), "/etc/hosts", true));
        assertThat(out(c))
                .isEqualTo(
                        "contentcontenttouch: /data/x: Read-only file system\n/tmp/deep\ncontent");
        assertThat(source.resolve("made")).hasContent("rw\n");
        assertThat(Path.of("/tmp/deep")).doesNotExist();
        Files.delete(launch.root().resolve("out"));
    }

    @Test
    void mountsInsideMountsAreMade() throws Exception {
        Path source = Files.createDirectories(scratch.resolve("inner"));
        Files.writeString(source.resolve("f"), "inner");
        Configs c =
                script(
                        "cat /tmp/a/b/c/f; stat -c '%a %u' /tmp /tmp/a; grep ' /tmp ' /proc/self/mountinfo");
        c.mounts =
                List.of(
                        new Tmpfs("/tmp", 1 << 20, 01777, 7, 0, false, false),
                        bind(source, "/tmp/a/b/c", true));
        assertThat(out(c))
                .startsWith("inner1777 7\n755 0\n")
                .contains("nosuid,nodev,noexec")
                .contains("size=1024k");
    }

    private static Bind bind(Path source, String target, boolean readOnly) {
        return new Bind(
                source.toString(),
                target,
                readOnly,
                readOnly,
                true,
                "rprivate",
                false,
                false,
                false);
    }

    @Test
    void readOnlyRootRefusesWrites() throws Exception {
        Configs c =
                script("touch /x 2>&1; touch /tmp2/y && echo fine; touch /dev/shm/z && echo fine");
        c.readOnlyRoot = true;
        c.mounts = List.of(new Tmpfs("/tmp2", 0, 01777, 0, 0, false, true));
        assertThat(out(c)).isEqualTo("touch: /x: Read-only file system\nfine\nfine\n");
    }

    @Test
    void hostNetworkIsShared() throws Exception {
        Configs c = script("readlink /proc/self/ns/net; ls /sys/class/net");
        c.namespaces = Configs.namespaces(NetworkMode.HOST);
        String host = Files.readSymbolicLink(Path.of("/proc/self/ns/net")).toString();
        assertThat(out(c)).startsWith(host + "\n");
        String own = out("readlink /proc/self/ns/net; ls /sys/class/net");
        assertThat(own).doesNotContain(host).endsWith("\nlo\n");
    }

    @Test
    void sysctlsLimitsAndScoreAreSet() throws Exception {
        Configs c =
                script(
                        "cat /proc/sys/net/ipv4/ip_local_port_range /proc/sys/kernel/shm_rmid_forced /proc/self/oom_score_adj; ulimit -n; ulimit -Hn; ulimit -c");
        c.sysctls =
                Map.of("net.ipv4.ip_local_port_range", "2000 3000", "kernel.shm_rmid_forced", "1");
        c.rlimits = List.of(new Rlimit(4, "RLIMIT_CORE", 0, 0, true));
        c.oomScoreAdj = OptionalInt.of(500);
        assertThat(out(c)).startsWith("2000\t3000\n1\n500\n1024\n").endsWith("\n0\n");
    }

    @Test
    void workingDirectoryIsMadeAndStaysInside() throws Exception {
        Configs c = script("pwd");
        c.cwd = "/srv/new/deep";
        assertThat(out(c)).isEqualTo("/srv/new/deep\n");
        Configs fd = script("pwd");
        for (int i = 3; i < 20; i++) {
            fd.cwd = "/proc/self/fd/" + i;
            RootLaunch.Result result = launch.run(fd);
            assertThat(result.failure()).isPresent();
            assertThat(result.failure().get().message())
                    .startsWith("process/program: openat2(/proc/self/fd/");
        }
    }

    @Test
    void userMayStartWhereOnlyRootMayGo() throws Exception {
        Path secret = Files.createDirectories(launch.root().resolve("secret"));
        Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rwx------"));
        Configs c = script("readlink /proc/self/cwd");
        c.cwd = "/secret";
        c.uid = 1000;
        assertThat(out(c)).isEqualTo("/secret\n");
    }

    @Test
    void programsThatCannotBeExecutedHaveTheirCode() throws Exception {
        Path root = launch.root();
        Files.createDirectories(root.resolve("usr/bin"));
        Files.writeString(root.resolve("usr/bin/denied"), "x");
        Files.writeString(root.resolve("bin/garbage"), "\0garbage");
        Files.setPosixFilePermissions(
                root.resolve("bin/garbage"), PosixFilePermissions.fromString("rwxr-xr-x"));
        failure(127, "exec: \"nothing\": executable file not found in $PATH", "nothing");
        failure(
                127,
                "exec: \"/no/where\": no such file or directory, or its interpreter is missing",
                "/no/where");
        failure(126, "exec: \"/etc\": permission denied", "/etc");
        failure(126, "exec: \"denied\": permission denied", "denied");
        failure(126, "exec: \"/bin/garbage\": exec format error", "/bin/garbage");
        assertThat(out(launch.config("echo", "found"))).isEqualTo("found\n");
    }

    private static void failure(int code, String message, String... argv) throws Exception {
        RootLaunch.Result result = launch.run(launch.config(argv));
        assertThat(result.failure()).contains(new LaunchFailure(code, message));
    }

    @Test
    void failedMountsNameIsolatorCallAndErrno() throws Exception {
        Configs c = script("true");
        Files.createSymbolicLink(launch.root().resolve("loop"), Path.of("loop"));
        c.mounts = List.of(bind(scratch, "/loop/x", false));
        assertThat(launch.run(c).failure())
                .contains(
                        new LaunchFailure(
                                125,
                                "filesystem/mounts: openat2(/loop/x): ELOOP (Too many levels of symbolic links)"));
        Files.delete(launch.root().resolve("loop"));
    }

    @Test
    void privilegedMayDoAll() throws Exception {
        Configs c =
                script(
                        "cat /proc/self/status; touch /proc/sys/kernel/pid_max && echo writable; grep ' /sys ' /proc/self/mountinfo");
        c.privileged = true;
        c.masked = List.of();
        c.readOnly = List.of();
        String granted =
                Files.readAllLines(Path.of("/proc/self/status")).stream()
                        .filter(l -> l.startsWith("CapPrm"))
                        .findFirst()
                        .orElseThrow();
        assertThat(out(c))
                .contains(granted)
                .contains("Seccomp:\t0")
                .contains("writable")
                .contains(" rw,nosuid");
    }

    @Test
    void furtherProcessesJoinTheContainer() throws Exception {
        Configs c = script("sleep 60");
        c.hostname = "joined";
        try (RootLaunch.Running running = launch.start(c)) {
            Configs e =
                    script(
                            "hostname; ls -d /proc/[0-9]* | wc -l; cat /proc/self/status; ls /proc/self/fd | wc -l; pwd");
            e.uid = 1000;
            e.cwd = "/etc";
            RootLaunch.Result result = launch.exec(running, e, false);
            assertThat(result.failure()).isEmpty();
            assertThat(result.output())
                    .startsWith("joined\n")
                    .contains("Seccomp:\t2")
                    .contains("CapPrm:\t0000000000000000")
                    .contains("CapBnd:\t00000000a80425fb")
                    .endsWith("\n4\n/etc\n");
            for (String kind : List.of("mnt", "pid", "net", "uts", "ipc", "cgroup")) {
                RootLaunch.Result ns =
                        launch.exec(
                                running,
                                script(
                                        "readlink /proc/self/ns/"
                                                + kind
                                                + "; readlink /proc/1/ns/"
                                                + kind),
                                false);
                assertThat(ns.output().lines()).hasSize(2);
                assertThat(ns.output().lines().distinct()).hasSize(1);
            }
            Configs missing = script("true");
            missing.cwd = "/not/there";
            assertThat(launch.exec(running, missing, false).failure().orElseThrow().message())
                    .isEqualTo(
                            "process/program: openat2(/not/there): ENOENT (No such file or directory)");
            launch.linux().processes().pidfdSendSignal(running.started().pidfd(), 9);
        }
    }

    @Test
    void furtherProcessesHaveATerminalOfTheContainer() throws Exception {
        try (RootLaunch.Running running = launch.start(script("sleep 60"))) {
            Configs e = script("tty; echo x > /dev/tty; stat -c %u /dev/pts/0; ls /proc/self/fd");
            e.uid = 1000;
            RootLaunch.Result result = launch.exec(running, e, true);
            assertThat(result.failure()).isEmpty();
            assertThat(result.output().replace("\r", "").replaceAll("\\s+", " "))
                    .isEqualTo("/dev/pts/0 x 1000 0 1 2 3 ");
            launch.linux().processes().pidfdSendSignal(running.started().pidfd(), 9);
        }
    }

    @Test
    void linksInPlaceOfSystemDirectoriesLeadNowhere() throws Exception {
        Path root = launch.root();
        Path outside = Files.createDirectories(scratch.resolve("outside"));
        for (String name : List.of("dev", "proc", "sys")) {
            Files.deleteIfExists(root.resolve(name));
            Files.createSymbolicLink(
                    root.resolve(name), Path.of("../../../../../" + outside + "/" + name));
        }
        try {
            RootLaunch.Result result = launch.run(script("echo $$"));
            // The links lead to nowhere inside the root, so the mount points cannot be made.
            assertThat(result.failure().orElseThrow().message())
                    .startsWith("filesystem/dev: openat2(/dev): ENOENT");
            Files.createDirectories(Path.of(root + "" + outside, "dev"));
            Files.createDirectories(Path.of(root + "" + outside, "proc"));
            Files.createDirectories(Path.of(root + "" + outside, "sys"));
            assertThat(out("echo $$; ls /dev/null; ls -d /proc/1"))
                    .isEqualTo("1\n/dev/null\n/proc/1\n");
            assertThat(outside).isEmptyDirectory();
        } finally {
            for (String name : List.of("dev", "proc", "sys")) {
                Files.delete(root.resolve(name));
                Files.createDirectory(root.resolve(name));
            }
        }
    }

    @Test
    void pidAndIpcNamespacesAreShared() throws Exception {
        try (RootLaunch.Running running = launch.start(script("sleep 60"))) {
            Configs c =
                    script(
                            "ls -d /proc/[0-9]* | wc -l; readlink /proc/self/ns/pid; readlink /proc/1/ns/pid; readlink /proc/self/ns/ipc; hostname");
            c.hostname = "second";
            c.namespaces =
                    new Namespaces(
                            NetworkMode.NONE,
                            Optional.of("other"),
                            Optional.of("other"),
                            false,
                            false,
                            false,
                            false);
            RootLaunch.Result result = launch.runBeside(running, c);
            assertThat(result.failure()).isEmpty();
            List<String> lines = result.output().lines().toList();
            // Its own shell, ls, wc, and the first process of the other.
            assertThat(Integer.parseInt(lines.getFirst())).isGreaterThanOrEqualTo(3);
            assertThat(lines.get(1))
                    .isNotEqualTo(Files.readSymbolicLink(Path.of("/proc/self/ns/pid")).toString());
            assertThat(lines.get(3))
                    .isEqualTo(
                            launch.exec(running, script("readlink /proc/self/ns/ipc"), false)
                                    .output()
                                    .strip());
            assertThat(lines.getLast()).isEqualTo("second");
            launch.linux().processes().pidfdSendSignal(running.started().pidfd(), 9);
        }
    }

    @Test
    void hostPidAndIpcAreTheHosts() throws Exception {
        Configs c =
                script(
                        "readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc; readlink /proc/self/ns/uts; grep -c ' /dev/shm ' /proc/self/mountinfo");
        c.namespaces =
                new Namespaces(
                        NetworkMode.NONE,
                        Optional.empty(),
                        Optional.empty(),
                        true,
                        true,
                        true,
                        true);
        c.hostname = "";
        assertThat(out(c).lines())
                .containsExactly(
                        Files.readSymbolicLink(Path.of("/proc/self/ns/pid")).toString(),
                        Files.readSymbolicLink(Path.of("/proc/self/ns/ipc")).toString(),
                        Files.readSymbolicLink(Path.of("/proc/self/ns/uts")).toString(),
                        "1");
    }

    @Test
    void nothingIsMountedOnTheHost() throws Exception {
        long before = hostMounts();
        Configs c = script("true");
        c.mounts = List.of(bind(scratch, "/shared", false));
        out(c);
        try (RootLaunch.Running running = launch.start(script("sleep 60"))) {
            assertThat(hostMounts()).isEqualTo(before);
            launch.linux().processes().pidfdSendSignal(running.started().pidfd(), 9);
        }
    }

    private static long hostMounts() throws Exception {
        try (var lines = Files.lines(Path.of("/proc/self/mountinfo"))) {
            return lines.filter(l -> l.contains(scratch.toString())).count();
        }
    }
}
