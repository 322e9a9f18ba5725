package dev.berth.tests.root.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.containerizer.Containerizer.ContainerEvent;
import dev.berth.containerizer.Containerizer.RootSource;
import dev.berth.containerizer.ContainerizerKit;
import dev.berth.gpu.ContainerEdits;
import dev.berth.gpu.driver.DriverCapability;
import dev.berth.gpu.driver.DriverRootFixture;
import dev.berth.gpu.driver.DriverView;
import dev.berth.gpu.edits.EditsMerge;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.Security;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.IsolatorException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;

@Tag("root")
class DriverContainerTest {
    private static final Set<String> DEFAULT = DriverCapability.DEFAULT;
    private static final String LOOK =
            """
            /loader libcuda.so.1 libcuda.so libnvidia-ml.so.1 libnvidia-nvvm.so.4 libGLX_nvidia.so.0
            nvidia-smi
            env -i /usr/bin/nvidia-cuda-mps-control
            echo gpus $(ls /proc/driver/nvidia/gpus)
            grep Modify /proc/driver/nvidia/params
            echo dev $(ls /dev | grep nvidia)
            cat /dev/nvidia1
            cat /dev/nvidiactl
            cat /lib/firmware/nvidia/*/gsp_ga10x.bin
            touch /usr/local/nvidia/lib64/x
            echo x > /usr/local/nvidia/lib64/libcuda.so.1
            rm /usr/local/nvidia/bin/nvidia-smi
            touch /proc/driver/nvidia/x
            cat /etc/ld.so.conf.d/*.conf
            echo $NVIDIA_VISIBLE_DEVICES $PATH $LD_LIBRARY_PATH
            """;

    @TempDir Path temp;
    private ContainerizerKit kit;
    private DriverRootFixture driver;
    private int made;

    @BeforeEach
    void begin() throws Exception {
        driver = DriverRootFixture.make(temp, 4);
        kit = new ContainerizerKit(temp, "berth-driver-" + ProcessHandle.current().pid());
        kit.recover(List.of());
        library("/lib64/ld-linux-x86-64.so.2");
        library("/lib/x86_64-linux-gnu/libc.so.6");
        Path source = temp.resolve("loader.c");
        try (InputStream in = DriverContainerTest.class.getResourceAsStream("loader.c")) {
            Files.copy(Objects.requireNonNull(in), source);
        }
        String loader = kit.root.resolve("loader").toString();
        DriverRootFixture.run("/usr/bin/gcc", "-O1", "-o", loader, source.toString());
    }

    /** Copies a library of this host into the root, where the loader looks. */
    private void library(String path) throws Exception {
        Path to = kit.root.resolve(path.substring(1));
        Files.createDirectories(to.getParent());
        Files.copy(Path.of(path), to);
    }

    private void busybox() throws Exception {
        Path bin = Files.createDirectories(kit.root.resolve("bin"));
        Files.copy(Path.of("/bin/busybox"), bin.resolve("busybox"));
        for (String name :
                List.of("sh", "ls", "env", "grep", "cat", "touch", "rm", "mount", "readlink")) {
            Files.createSymbolicLink(bin.resolve(name), Path.of("busybox"));
        }
    }

    @AfterEach
    void end() throws Exception {
        kit.until(
                "an empty cgroup tree",
                () -> {
                    try {
                        return kit.cgroups.removeTree();
                    } catch (IsolatorException e) {
                        throw new AssertionError(e);
                    }
                });
        kit.close();
    }

    private ContainerConfig config(String... argv) {
        return ContainerizerKit.config(
                ContainerizerKit.id(String.format(Locale.ROOT, "%06xd", ++made)), argv);
    }

    private String run(ContainerConfig config) throws Exception {
        ContainerId id = config.id();
        kit.containerizer.prepareRoot(id, new RootSource.Directory(kit.root.toString()));
        kit.containerizer.prepareStart(config);
        kit.containerizer.start(config, ContainerizerKit.LOG);
        kit.until(
                "an end",
                () ->
                        kit.left().stream()
                                .anyMatch(e ->
                                        e.id().equals(id)
                                                && (e instanceof ContainerEvent.Exited
                                                        || e
                                                                instanceof
                                                                ContainerEvent.StartFailed)));
        for (ContainerEvent event : kit.left()) {
            if (event instanceof ContainerEvent.StartFailed failed && event.id().equals(id)) {
                kit.await(ContainerEvent.StartFailed.class, id);
                kit.containerizer.removeRoot(id);
                return failed.message();
            }
        }
        kit.await(ContainerEvent.Exited.class, id);
        String log = kit.log(id);
        kit.containerizer.removeRoot(id);
        return log;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void containerLoadsTheDriverAndSeesItsOwnDeviceOnly(boolean trees) throws Exception {
        busybox();
        try (DriverView view = driver.open(temp.resolve("scratch"), trees)) {
            ContainerEdits edits = view.edits(driver.table, driver.grant(1), DEFAULT);
            assertThat(edits.mounts().size() < 5).isEqualTo(trees);
            String out = run(EditsMerge.apply(config("/bin/sh", "-c", LOOK), edits));
            assertThat(out)
                    .contains("libcuda.so.1: libcuda.so.580.65.06")
                    .contains("libcuda.so: libcuda.so.580.65.06")
                    .contains("libnvidia-ml.so.1: libnvidia-ml.so.580.65.06")
                    .contains("libnvidia-nvvm.so.4: libnvidia-nvvm.so.580.65.06")
                    .contains("libGLX_nvidia.so.0: libGLX_nvidia.so.0: cannot open shared object")
                    .contains("nvidia-smi of the fixture")
                    .contains("nvidia-cuda-mps-control of the fixture")
                    .contains("gpus 0000:11:00.0\n")
                    .contains("ModifyDeviceFiles: 0")
                    .contains("dev nvidia-uvm nvidia1 nvidiactl\n")
                    .contains("cat: can't open '/dev/nvidia1': No such device or address")
                    .contains("cat: can't open '/dev/nvidiactl': No such device or address")
                    .contains("firmware gsp_ga10x")
                    .contains("touch: /usr/local/nvidia/lib64/x: Read-only file system")
                    .contains("can't create /usr/local/nvidia/lib64/libcuda.so.1: Read-only")
                    .contains("can't remove '/usr/local/nvidia/bin/nvidia-smi': Read-only")
                    .contains("touch: /proc/driver/nvidia/x: Read-only file system")
                    .contains("/usr/local/nvidia/lib64\n/usr/local/nvidia/lib\n")
                    .contains(
                            "void /bin:/:/usr/local/nvidia/bin /usr/local/nvidia/lib:/usr/local/nvidia/lib64");
            // The tree is used again, and by a root that was prepared for the first one.
            assertThat(run(EditsMerge.apply(config("/loader", "libcuda.so.1"), edits)))
                    .isEqualTo("libcuda.so.1: libcuda.so.580.65.06\n");
        }
        // Detached mounts are called by their place in themselves.
        assertThat(kit.linux.files().openDescriptors().values())
                .noneMatch(d -> d.equals("/") || d.startsWith(driver.root.toString()));
        assertThat(Files.readString(Path.of("/proc/self/mountinfo"))).doesNotContain("nvidia");
    }

    @Test
    void imageWithoutShellOrLoaderCacheLoadsIt() throws Exception {
        try (DriverView view = driver.open(temp.resolve("scratch"), true)) {
            ContainerEdits edits = view.edits(driver.table, driver.grant(0), Set.of("all"));
            assertThat(
                            run(
                                    EditsMerge.apply(
                                            config("/loader", "libcuda.so.1", "libGLX_nvidia.so.0"),
                                            edits)))
                    .isEqualTo(
                            "libcuda.so.1: libcuda.so.580.65.06\n"
                                    + "libGLX_nvidia.so.0: libGLX_nvidia.so.580.65.06\n");
        }
    }

    @Test
    void linksOfTheImageLeadNothingOut() throws Exception {
        busybox();
        Path canary = Files.createDirectories(temp.resolve("canary"));
        Path root = kit.root;
        Files.createDirectories(root.resolve("usr"));
        Files.createSymbolicLink(root.resolve("usr/local"), canary);
        Files.createSymbolicLink(root.resolve("usr/bin"), Path.of("../../../../" + canary));
        Files.createSymbolicLink(root.resolve("etc/ld.so.conf.d"), Path.of("/proc/self/root"));
        Files.createSymbolicLink(root.resolve("lib/firmware"), Path.of("firmware"));
        try (DriverView view = driver.open(temp.resolve("scratch"), true)) {
            ContainerEdits edits = view.edits(driver.table, driver.grant(0), DEFAULT);
            assertThat(run(EditsMerge.apply(config("/loader", "libcuda.so.1"), edits)))
                    .isEqualTo("libcuda.so.1: libcuda.so.580.65.06\n");
        }
        assertThat(canary).isEmptyDirectory();
        assertThat(root.resolve(canary.toString().substring(1)).resolve("nvidia")).isDirectory();
    }

    @Test
    void rightToMountDoesNotReachTheTreeOfOthers() throws Exception {
        busybox();
        try (DriverView view = driver.open(temp.resolve("scratch"), true)) {
            ContainerEdits edits = view.edits(driver.table, driver.grant(0), DEFAULT);
            ContainerConfig plain =
                    EditsMerge.apply(
                            config(
                                    "/bin/sh",
                                    "-c",
                                    "mount -o remount,bind,rw /usr/local/nvidia; echo $?; touch /usr/local/nvidia/lib64/x"),
                            edits);
            String out = run(withMounting(plain));
            assertThat(out).startsWith("0\n").contains("Read-only file system");
        }
    }

    private static ContainerConfig withMounting(ContainerConfig c) {
        Security security =
                new Security(
                        false,
                        Set.of("SYS_ADMIN"),
                        Set.of(),
                        "unconfined",
                        false,
                        c.security().maskedPaths(),
                        c.security().readOnlyPaths());
        return new ContainerConfig(
                c.id(),
                c.process(),
                c.readOnlyRoot(),
                c.mounts(),
                c.namespaces(),
                c.hostname(),
                c.domainname(),
                c.sysctls(),
                c.devices(),
                c.deviceRules(),
                c.limits(),
                security,
                c.oomScoreAdj(),
                c.shmSizeBytes(),
                c.init(),
                c.tty(),
                c.openStdin(),
                c.consoleRows(),
                c.consoleColumns(),
                c.hostsFiles(),
                c.links());
    }

    @Test
    void closedViewFailsAStartByName() throws Exception {
        DriverView view = driver.open(temp.resolve("scratch"), true);
        ContainerEdits edits = view.edits(driver.table, driver.grant(0), DEFAULT);
        view.close();
        assertThat(run(EditsMerge.apply(config("/loader"), edits)))
                .contains("driver 580.65.06")
                .contains("start again");
    }
}
