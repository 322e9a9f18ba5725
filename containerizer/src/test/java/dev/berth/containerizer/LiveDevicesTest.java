package dev.berth.containerizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.containerizer.Containerizer.ContainerEvent;
import dev.berth.containerizer.Containerizer.ExecId;
import dev.berth.containerizer.Containerizer.ExecSpec;
import dev.berth.containerizer.Containerizer.KnownContainer;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.MountSpec;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.IsolatorException;
import dev.berth.linux.Bpf;
import dev.berth.linux.Fd;
import dev.berth.linux.OwnedFd;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Devices come to a running container and go. Major 60 is for experiments and has no driver: an open that the device program lets pass says ENXIO. */
@Tag("root")
final class LiveDevicesTest {
    private static final DeviceNode SPARE =
            new DeviceNode("/dev/spare", 'c', 60, 3, 0666, 0, 0, "rw");
    private static final DeviceNode DEEP =
            new DeviceNode("/dev/deep/spare", 'c', 60, 4, 0666, 7, 8, "r");

    @TempDir Path directory;
    private ContainerizerKit kit;
    private int execs;

    @BeforeEach
    void open() throws Exception {
        kit = new ContainerizerKit(directory, "berth-live-" + ProcessHandle.current().pid());
        kit.recover(List.of());
    }

    @AfterEach
    void close() throws Exception {
        kit.until("an empty cgroup tree", this::removeTree);
        kit.close();
    }

    private boolean removeTree() {
        try {
            return kit.cgroups.removeTree();
        } catch (IsolatorException e) {
            throw new AssertionError(e);
        }
    }

    private static ContainerConfig with(ContainerConfig c, DeviceNode... devices) {
        return with(c, c.mounts(), devices);
    }

    private static ContainerConfig with(
            ContainerConfig c, List<MountSpec> mounts, DeviceNode... devices) {
        return new ContainerConfig(
                c.id(),
                c.process(),
                c.readOnlyRoot(),
                mounts,
                c.namespaces(),
                c.hostname(),
                c.domainname(),
                c.sysctls(),
                List.of(devices),
                c.deviceRules(),
                c.limits(),
                c.security(),
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

    private ContainerConfig started(ContainerConfig config) throws Exception {
        kit.start(config);
        kit.await(ContainerEvent.Started.class, config.id());
        return config;
    }

    private static ContainerConfig sleeper(String digits) {
        return ContainerizerKit.config(ContainerizerKit.id(digits), "/probe", "sleep-until-signal");
    }

    /** What a further process in the container prints. */
    private String inside(ContainerId id, String... argv) throws Exception {
        OwnedFd[] out = kit.linux.files().pipe2(0);
        OwnedFd in = kit.linux.files().openat(Fd.CWD, "/dev/null", 0, 0);
        OwnedFd err = kit.linux.files().duplicate(out[1]);
        String digits = String.format(java.util.Locale.ROOT, "%02x", ++execs);
        kit.containerizer.exec(
                id,
                new ExecId(digits.repeat(32)),
                new ExecSpec(
                        ContainerizerKit.process(argv),
                        ContainerizerKit.config(id).security(),
                        false,
                        0,
                        0,
                        List.of(in, out[1], err)));
        kit.await(ContainerEvent.ExecStarted.class, id);
        kit.await(ContainerEvent.ExecExited.class, id);
        try (OwnedFd read = out[0]) {
            MemorySegment buffer = Arena.ofAuto().allocate(256);
            int n = kit.linux.files().read(read, buffer);
            return new String(
                    buffer.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        }
    }

    private void end(ContainerId id) throws Exception {
        kit.containerizer.kill(id);
        kit.await(ContainerEvent.Exited.class, id);
    }

    @Test
    void aNodeComesAndGoesWhileTheContainerRuns() throws Exception {
        ContainerConfig plain = started(sleeper("a1"));
        ContainerId id = plain.id();
        assertThat(inside(id, "/probe", "open", "/dev/spare", "rw")).contains("ENOENT");
        kit.containerizer.updateDevices(with(plain, SPARE, DEEP));
        assertThat(inside(id, "/probe", "open", "/dev/spare", "rw")).contains("ENXIO");
        assertThat(inside(id, "/probe", "open", "/dev/deep/spare", "r")).contains("ENXIO");
        assertThat(inside(id, "/probe", "open", "/dev/deep/spare", "rw")).contains("EPERM");
        int pid = Integer.parseInt(kit.containerizer.processes(id).getFirst().toString());
        Path node = Path.of("/proc/" + pid + "/root/dev/deep/spare");
        assertThat(Files.getAttribute(node, "unix:mode")).isEqualTo(020666);
        assertThat(Files.getAttribute(node, "unix:uid")).isEqualTo(7);
        assertThat(Files.getAttribute(node, "unix:gid")).isEqualTo(8);
        kit.containerizer.updateDevices(with(plain, DEEP));
        assertThat(inside(id, "/probe", "open", "/dev/spare", "rw")).contains("ENOENT");
        assertThat(inside(id, "/probe", "open", "/dev/deep/spare", "r")).contains("ENXIO");
        kit.containerizer.updateDevices(plain);
        assertThat(node).doesNotExist();
        assertThat(kit.containerizer.verify()).isEmpty();
        end(id);
        assertThatThrownBy(() -> kit.containerizer.updateDevices(with(plain, SPARE)))
                .hasMessageContaining("is not running");
    }

    /** With the host's directory for its /dev the container would get its nodes into the host's. */
    @Test
    void nothingIsMadeInADirectoryThatTheHostShares() throws Exception {
        Path shared = Files.createDirectory(directory.resolve("shared"));
        MountSpec bind =
                new MountSpec.Bind(
                        shared.toString(),
                        "/dev/deep",
                        false,
                        false,
                        true,
                        "",
                        false,
                        false,
                        false);
        ContainerConfig config = started(with(sleeper("a2"), List.of(bind)));
        assertThatThrownBy(() -> kit.containerizer.updateDevices(with(config, DEEP)))
                .hasMessageContaining("not on the container's own /dev");
        assertThat(shared).isEmptyDirectory();
        end(config.id());
    }

    @Test
    void programsAreWhatTheConfigurationSaysAlsoAfterTheAgentWasAway() throws Exception {
        ContainerConfig config = started(with(sleeper("a3"), SPARE));
        ContainerConfig other = started(with(sleeper("a4"), SPARE));
        Bpf bpf = kit.linux.bpf();
        try (OwnedFd cgroup = cgroup(other.id());
                OwnedFd ours =
                        bpf.programById(bpf.deviceProgramIds(cgroup).getFirst()).orElseThrow();
                OwnedFd foreign = bpf.loadDeviceProgram("foreign", allowAll())) {
            kit.close();
            bpf.attachDeviceProgram(cgroup, foreign, Optional.of(ours));
        }
        kit = new ContainerizerKit(directory, "berth-live-" + ProcessHandle.current().pid());
        kit.recover(List.of(new KnownContainer(config, true), new KnownContainer(other, true)));
        assertThat(kit.containerizer.verify()).containsExactly(other.id());
        assertThat(kit.containerizer.verify()).isEmpty();
        for (ContainerConfig each : List.of(config, other)) {
            assertThat(inside(each.id(), "/probe", "open", "/dev/spare", "rw")).contains("ENXIO");
            kit.containerizer.updateDevices(with(each));
            assertThat(inside(each.id(), "/probe", "open", "/dev/spare", "rw")).contains("ENOENT");
            end(each.id());
        }
    }

    private OwnedFd cgroup(ContainerId id) throws Exception {
        Path path = Path.of(kit.cgroups.path(), "c", id.value());
        return kit.linux
                .files()
                .openat(Fd.CWD, path.toString(), dev.berth.linux.Open.O_DIRECTORY, 0);
    }

    /** r0 = 1; exit. */
    private static byte[] allowAll() {
        return new byte[] {(byte) 0xb7, 0, 0, 0, 1, 0, 0, 0, (byte) 0x95, 0, 0, 0, 0, 0, 0, 0};
    }
}
