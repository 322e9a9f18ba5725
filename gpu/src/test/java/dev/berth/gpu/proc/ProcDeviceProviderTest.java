package dev.berth.gpu.proc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.gpu.Cleanliness;
import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceEvent;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceProvider;
import dev.berth.gpu.DeviceProviderContract;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.HealthSignal;
import dev.berth.gpu.Topology.Proximity;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.linux.Fd;
import dev.berth.linux.Linux;
import dev.berth.linux.Open;
import dev.berth.linux.OwnedFd;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

final class ProcDeviceProviderTest extends DeviceProviderContract {
    private static final long SECOND = 1_000_000_000L;

    @TempDir Path root;
    @TempDir Path proc;

    private final List<Path> links = new ArrayList<>();
    private boolean trusted;

    private ProcSettings settings() {
        return new ProcSettings(root, proc, trusted, 10 * SECOND, 10 * SECOND);
    }

    @Override
    protected DeviceProvider newProvider() throws IOException {
        if (!Files.exists(root.resolve("proc"))) {
            new SampleHost(root).four();
        }
        return new ProcDeviceProvider(Linux.host(), settings());
    }

    @Override
    protected int devices() {
        return 4;
    }

    private static DeviceId id(int i) {
        return new DeviceId(SampleHost.uuid(i));
    }

    /** A process with descriptors that lead to these files. */
    private void process(int pid, String... targets) throws IOException {
        Path fds = Files.createDirectories(proc.resolve(pid + "/fd"));
        for (int i = 0; i < targets.length; i++) {
            Path link = fds.resolve(Integer.toString(i));
            links.add(Files.createSymbolicLink(link, Path.of(targets[i])));
        }
    }

    /** JUnit warns of links that lead out of its directories. */
    @AfterEach
    void removeLinks() throws IOException {
        for (Path link : links) {
            Files.delete(link);
        }
    }

    private Cleanliness verified(DeviceProvider provider, DeviceId id) throws InterruptedException {
        provider.verify(id);
        return await(provider, DeviceEvent.Verified.class, answer -> answer.id().equals(id))
                .found();
    }

    @Test
    void discoveryTellsWhatTheDriverAndSysfsSay() throws Exception {
        DeviceTable table = awaitTable(open());
        assertThat(table.driver())
                .isEqualTo(new DeviceTable.DriverFacts("580.65.06", "", "", "proc"));
        Device second = table.devices().get(1);
        assertThat(second.id()).isEqualTo(id(1));
        assertThat(second.model()).isEqualTo("NVIDIA H100 80GB HBM3");
        assertThat(second.minor()).hasValue(1);
        assertThat(second.pci().orElseThrow()).hasToString("0000:3d:00.0");
        assertThat(second.numaNode()).hasValue(0);
        assertThat(second.cpuList()).isEqualTo("0-15");
        assertThat(second.attributes()).containsEntry("vbios", "96.00.89.00.01");
        assertThat(second.nodes())
                .containsExactly(new DeviceNode("/dev/nvidia1", 'c', 195, 1, 0660, 0, 44, "rw"));
        assertThat(table.controlNodes())
                .extracting(DeviceNode::path, DeviceNode::major, DeviceNode::minor)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("/dev/nvidiactl", 195, 255),
                        org.assertj.core.groups.Tuple.tuple("/dev/nvidia-uvm", 510, 0),
                        org.assertj.core.groups.Tuple.tuple("/dev/nvidia-uvm-tools", 510, 1));
        assertThat(table.withheldNodes())
                .extracting(DeviceNode::path)
                .contains(
                        "/dev/nvidia-modeset",
                        "/dev/nvidia-caps/nvidia-cap1",
                        "/dev/nvidia-caps/nvidia-cap2",
                        "/dev/nvidia-nvlink",
                        "/dev/nvidia-nvswitchctl",
                        "/dev/nvidia-caps-imex-channels/channel0");
    }

    @Test
    void nearnessFollowsTheBridges() throws Exception {
        var topology = awaitTable(open()).topology();
        assertThat(topology.proximity(0, 1)).isEqualTo(Proximity.SINGLE_SWITCH);
        assertThat(topology.proximity(0, 2)).isEqualTo(Proximity.NUMA_NODE);
        assertThat(topology.proximity(0, 3)).isEqualTo(Proximity.SYSTEM);
        assertThat(
                        PciTree.byBridges(
                                SampleHost.bridges("pci/port/up/down"),
                                SampleHost.bridges("pci/port/up/down2/up2/down3"),
                                true))
                .isEqualTo(Proximity.MULTIPLE_SWITCHES);
        assertThat(
                        PciTree.byBridges(
                                SampleHost.bridges("pci/port"),
                                SampleHost.bridges("pci/port2"),
                                true))
                .isEqualTo(Proximity.HOST_BRIDGE);
    }

    @Test
    void aTreeWithoutLinksIsReadByNumbers() throws Exception {
        SampleHost host = new SampleHost(root).driver();
        for (int i = 0; i < 4; i++) {
            String pci = "0000:" + (i < 2 ? "1a" : "2a") + ":0" + i + ".0";
            host.text(
                    "proc/driver/nvidia/gpus/" + pci + "/information",
                    "Model: X\nGPU UUID: " + SampleHost.uuid(i) + "\nDevice Minor: " + i + "\n");
            host.text("sys/bus/pci/devices/" + pci + "/numa_node", "0\n");
        }
        var topology = awaitTable(open()).topology();
        assertThat(topology.proximity(0, 1)).isEqualTo(Proximity.SINGLE_SWITCH);
        assertThat(topology.proximity(0, 2)).isEqualTo(Proximity.NUMA_NODE);
    }

    @Test
    void gpusThatTheDriverDoesNotKnowYetHaveTheirAddressForAName() throws Exception {
        SampleHost host = new SampleHost(root).driver();
        host.gpu(
                "0000:01:00.0",
                "GPU-????????-????-????-????-????????????",
                0,
                -1,
                "pci0000:00/0000:00:01.0");
        host.text(
                "proc/driver/nvidia/gpus/0000:02:00.0/information",
                "Model: Y\nGPU Excluded: Yes\nDevice Minor: 1\n");
        host.text("proc/driver/nvidia/gpus/0000:03:00.0/information", "Model: Z\n");
        DeviceProvider provider = open();
        DeviceTable table = awaitTable(provider);
        assertThat(table.devices())
                .extracting(Device::id)
                .containsExactly(new DeviceId("PCI-0000:01:00.0"));
        assertThat(table.devices().getFirst().numaNode()).isEmpty();
        assertThat(table.withheldNodes()).extracting(DeviceNode::path).contains("/dev/nvidia1");
        assertThat(seen().toString())
                .contains("0000:02:00.0: excluded")
                .contains("0000:03:00.0: the driver does not name");
    }

    @Test
    void aHostWithoutTheDriverHasAnEmptyTable() throws Exception {
        new SampleHost(root).text("proc/devices", "Character devices:\n  1 mem\n");
        DeviceProvider provider = open();
        DeviceTable table = awaitTable(provider);
        assertThat(table.devices()).isEmpty();
        assertThat(table.controlNodes()).isEmpty();
        assertThat(seen().toString()).contains("XIDs are not seen");
    }

    @Test
    void aDriverThatIsLoadedAnewIsAnotherGeneration() throws Exception {
        ProcDeviceProvider provider = (ProcDeviceProvider) open();
        DeviceTable before = awaitTable(provider);
        provider.rescan();
        provider.verify(id(0));
        await(provider, DeviceEvent.Verified.class, _ -> true);
        assertThat(seen().stream().filter(DeviceEvent.TableChanged.class::isInstance)).hasSize(1);
        new SampleHost(root)
                .text(
                        "proc/devices",
                        SampleHost.DEVICES.replace("510 nvidia-uvm", "509 nvidia-uvm"));
        provider.rescan();
        DeviceTable after = awaitTable(provider);
        assertThat(after.generation()).isEqualTo(before.generation() + 1);
        assertThat(after.controlNodes()).extracting(DeviceNode::major).contains(509);
    }

    @Test
    void withoutNvmlAnIdleDeviceIsNotCleanUnlessThatIsSaidToBeEnough() throws Exception {
        process(10, "/etc/passwd", "socket:[1]");
        DeviceProvider provider = open();
        awaitTable(provider);
        Cleanliness found = verified(provider, id(0));
        assertThat(found.problem().orElseThrow()).contains("cannot be said without NVML");
        assertThat(found.memoryUsedBytes()).isEqualTo(-1);
        assertThat(found.resetHelps()).isFalse();
        trusted = true;
        DeviceProvider trusting = open();
        awaitTable(trusting);
        assertThat(verified(trusting, id(0)).clean()).isTrue();
    }

    @Test
    void aResetThroughSysfsMakesItCleanOnce() throws Exception {
        SampleHost host = new SampleHost(root).four();
        host.text("sys/bus/pci/devices/0000:3b:00.0/reset", "");
        host.text("sys/bus/pci/drivers/nvidia/unbind", "");
        host.text("sys/bus/pci/drivers/nvidia/bind", "");
        Files.createSymbolicLink(
                root.resolve("sys/bus/pci/devices/0000:3b:00.0/driver"),
                root.resolve("sys/bus/pci/drivers/nvidia"));
        DeviceProvider provider = open();
        awaitTable(provider);
        assertThat(verified(provider, id(0)).resetHelps()).isTrue();
        provider.reset(id(0));
        assertThat(await(provider, DeviceEvent.ResetEnded.class, _ -> true).failure()).isEmpty();
        assertThat(Files.readString(root.resolve("sys/bus/pci/devices/0000:3b:00.0/reset")))
                .isEqualTo("1");
        assertThat(Files.readString(root.resolve("sys/bus/pci/drivers/nvidia/unbind")))
                .isEqualTo("0000:3b:00.0");
        assertThat(verified(provider, id(0)).clean()).isTrue();
        assertThat(verified(provider, id(0)).clean()).as("it may have been used since").isFalse();
        provider.reset(id(1));
        assertThat(await(provider, DeviceEvent.ResetEnded.class, _ -> true).failure().orElseThrow())
                .contains("no way to reset");
    }

    @Test
    void xidsComeFromTheKernelsLog() throws Exception {
        DeviceProvider provider = open();
        awaitTable(provider);
        Files.writeString(
                root.resolve("dev/kmsg"),
                "4,1,2,-;NVRM: Xid (PCI:0000:3d:00): 31, pid=77, name=python, Ch 00000008\n",
                StandardCharsets.UTF_8,
                StandardOpenOption.APPEND);
        HealthSignal signal = await(provider, DeviceEvent.Signalled.class, _ -> true).signal();
        assertThat(signal.device()).isEqualTo(Optional.of(id(1)));
        assertThat(signal.code()).isEqualTo(31);
        assertThat(signal.pid()).hasValue(77);
        assertThat(signal.source()).isEqualTo("kmsg");
        provider.sample();
        var sample = await(provider, DeviceEvent.Sampled.class, _ -> true).samples().get(1);
        assertThat(sample.values().get(dev.berth.gpu.DeviceMetric.XID_ERRORS)).isEqualTo(31.0);
    }

    @Test
    void processesThatHideTheirDescriptorsAreNotTakenForNone() throws Exception {
        Path hidden = Files.createDirectories(proc.resolve("66/fd"));
        Files.setPosixFilePermissions(hidden, java.util.Set.of());
        trusted = true;
        DeviceProvider provider = open();
        awaitTable(provider);
        Cleanliness found = verified(provider, id(0));
        if (Files.isReadable(hidden)) {
            assertThat(found.clean()).as("root sees everything").isTrue();
        } else {
            assertThat(found.problem().orElseThrow()).contains("could not be looked at");
        }
        Files.setPosixFilePermissions(
                hidden, java.nio.file.attribute.PosixFilePermissions.fromString("rwx------"));
    }

    @Test
    void openDevicesAreFoundByNumberWhateverTheirPath() throws Exception {
        process(10, "/dev/zero", "/dev/null");
        process(11, "/dev/null", "/dev/does-not-exist");
        OpenDevices.Found found = new OpenDevices(Linux.host(), proc).search(() -> false);
        assertThat(found.of(List.of(dev.berth.linux.Statx.makedev(1, 3)))).containsExactly(10, 11);
        assertThat(found.of(List.of(dev.berth.linux.Statx.makedev(1, 5)))).containsExactly(10);
        assertThat(found.of(List.of(dev.berth.linux.Statx.makedev(195, 0)))).isEmpty();
        assertThat(new OpenDevices(Linux.host(), proc).search(() -> true).unseen()).isPresent();
    }

    @Test
    void aDeviceThatThisProcessHasOpenIsSeenInTheRealProc() throws Exception {
        int pid = (int) ProcessHandle.current().pid();
        OpenDevices search = new OpenDevices(Linux.host(), Path.of("/proc"));
        List<Long> full = List.of(dev.berth.linux.Statx.makedev(1, 7));
        assertThat(search.search(() -> false).of(full)).doesNotContain(pid);
        try (OwnedFd open = Linux.host().files().openat(Fd.CWD, "/dev/full", Open.O_RDONLY, 0)) {
            assertThat(open.isOpen()).isTrue();
            assertThat(search.search(() -> false).of(full)).contains(pid);
        }
    }
}
