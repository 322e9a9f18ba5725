package dev.berth.containerizer.launch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.MountSpec.Bind;
import dev.berth.isolator.ContainerConfig.MountSpec.Tmpfs;
import dev.berth.isolator.ContainerConfig.Namespaces;
import dev.berth.isolator.ContainerConfig.Namespaces.NetworkMode;
import dev.berth.isolator.ContainerConfig.Rlimit;
import dev.berth.isolator.LaunchPlan;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What is printed is what is executed: both levels, from the decoded bytes. After a change that is meant, {@code -Dberth.golden=write} writes the files anew; the diff is then the thing to review.
 */
class GoldenPlanTest {
    private static final Path FILES =
            Path.of("src/test/resources/dev/berth/containerizer/launch/plans");

    private static void golden(String name, LaunchPlan plan) throws Exception {
        byte[] bytes = Configs.lower(plan).encode();
        String text = LaunchProgram.decode(bytes).print(Abi.X86_64);
        Path file = FILES.resolve(name + ".txt");
        if ("write".equals(System.getProperty("berth.golden"))) {
            Files.createDirectories(FILES);
            Files.writeString(file, text);
        }
        assertThat(text).isEqualTo(Files.readString(file, StandardCharsets.UTF_8));
    }

    @Test
    void defaults() throws Exception {
        golden("defaults", new Configs().plan());
    }

    @Test
    void terminalAndInit() throws Exception {
        Configs c = new Configs();
        c.tty = true;
        c.openStdin = true;
        c.init = true;
        c.uid = 1000;
        c.gid = 1000;
        c.groups = List.of(1000, 44);
        c.noNewPrivileges = true;
        c.cwd = "/home/me";
        golden("terminal-init-user", c.plan());
    }

    @Test
    void readOnlyRootWithMountsAndHostNetwork() throws Exception {
        Configs c = new Configs();
        c.readOnlyRoot = true;
        c.namespaces = Configs.namespaces(NetworkMode.HOST);
        c.mounts =
                List.of(
                        new Bind("/srv/data", "/data", true, true, true, "", false, true, true),
                        new Bind(
                                "/srv/peer",
                                "/peer",
                                true,
                                false,
                                true,
                                "rslave",
                                true,
                                false,
                                false),
                        new Tmpfs("/tmp", 1 << 20, 01777, 1000, 1000, false, true),
                        new Bind(
                                "/srv/x",
                                "/tmp/a/b",
                                false,
                                false,
                                false,
                                "private",
                                false,
                                false,
                                false));
        Map<String, String> files = new LinkedHashMap<>();
        files.put("/etc/hosts", "hosts");
        c.hostsFiles = files;
        c.devices = List.of(new DeviceNode("/dev/dri/card0", 'c', 226, 0, 0660, 0, 44, "rw"));
        c.rlimits = List.of(new Rlimit(7, "RLIMIT_NOFILE", 4096, 8192, true));
        golden("read-only-binds-host-network", c.plan());
    }

    @Test
    void sharedNamespacesAndSysctls() throws Exception {
        Configs c = new Configs();
        c.namespaces =
                new Namespaces(
                        NetworkMode.NONE,
                        Optional.of("a".repeat(64)),
                        Optional.of("b".repeat(64)),
                        false,
                        false,
                        true,
                        true);
        c.hostname = "";
        c.sysctls = Map.of("net.core.somaxconn", "4096");
        c.oomScoreAdj = OptionalInt.of(300);
        c.masked = List.of();
        c.readOnly = List.of();
        c.seccomp = "unconfined";
        golden("shared-namespaces", c.plan());
    }

    @Test
    void privileged() throws Exception {
        Configs c = new Configs();
        c.privileged = true;
        c.masked = List.of();
        c.readOnly = List.of();
        c.argv = List.of("/bin/sh");
        golden("privileged", c.plan());
    }

    @Test
    void furtherProcess() throws Exception {
        Configs c = new Configs();
        c.cwd = "/work";
        golden("exec", c.planExec(false));
    }

    @Test
    void furtherProcessWithTerminal() throws Exception {
        Configs c = new Configs();
        c.uid = 1000;
        c.gid = 1000;
        golden("exec-terminal", c.planExec(true));
    }
}
