package dev.berth.gpu.chardev;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.gpu.Cleanliness;
import dev.berth.gpu.Device;
import dev.berth.gpu.DeviceEvent;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceProvider;
import dev.berth.gpu.DeviceProviderContract;
import dev.berth.gpu.DeviceTable;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.linux.Linux;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Nodes are links to those that every host has, since a test may not make any: zero 1:5, null 1:3, full 1:7, random 1:8, urandom 1:9. */
final class CharDeviceProviderTest extends DeviceProviderContract {
    private static final String ACCEL =
            """
            {"resources": [{"name": "accel", "resourceName": "example.com/accel", "model": "Accel 9",
              "devices": [{"glob": "/dev/accel/accel#"}, {"id": "left", "nodes": ["/dev/left", {"path": "/dev/left-ctl", "major": 240, "minor": 3}]}],
              "controlNodes": ["/dev/common", "/dev/missing"], "withheldNodes": [{"path": "/dev/admin", "major": 240, "minor": 0}],
              "attributes": {"architecture": "nine"}, "mode": "0600"}]}
            """;

    @TempDir Path root;
    @TempDir Path proc;

    private final List<Path> links = new ArrayList<>();
    private String configuration = ACCEL;

    private void node(String path, String real) throws IOException {
        Path link = root.resolve(path);
        Files.createDirectories(link.getParent());
        links.add(Files.createSymbolicLink(link, Path.of(real)));
    }

    /** JUnit warns of links that lead out of its directories. */
    @AfterEach
    void removeLinks() throws IOException {
        for (Path link : links) {
            Files.deleteIfExists(link);
        }
    }

    @Override
    protected DeviceProvider newProvider() throws IOException, DeviceException {
        if (links.isEmpty()) {
            node("dev/accel/accel0", "/dev/zero");
            node("dev/accel/accel10", "/dev/null");
            node("dev/accel/accel2", "/dev/full");
            node("dev/accel/accel_controlD0", "/dev/tty");
            node("dev/left", "/dev/random");
            node("dev/common", "/dev/urandom");
        }
        CharResource resource = CharDeviceFile.parse(configuration, "test").getFirst();
        return new CharDeviceProvider(
                Linux.host(),
                resource,
                new CharDeviceProvider.Settings(root, proc, 10_000_000_000L, 10_000_000_000L));
    }

    @Override
    protected int devices() {
        return 4;
    }

    private static List<String> ids(DeviceTable table) {
        return table.devices().stream().map(device -> device.id().value()).toList();
    }

    @Test
    void devicesAreInTheOrderOfTheConfigurationAndOfTheirNumbers() throws Exception {
        DeviceProvider provider = open();
        assertThat(provider.name()).isEqualTo("char/accel");
        DeviceTable table = awaitTable(provider);
        assertThat(ids(table))
                .containsExactly("accel-accel0", "accel-accel2", "accel-accel10", "accel-left");
        Device left = table.devices().getLast();
        assertThat(left.model()).isEqualTo("Accel 9");
        assertThat(left.attributes()).containsEntry("architecture", "nine");
        assertThat(left.nodes())
                .extracting(
                        DeviceNode::path, DeviceNode::major, DeviceNode::minor, DeviceNode::mode)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("/dev/left", 1, 8, 0600),
                        org.assertj.core.groups.Tuple.tuple("/dev/left-ctl", 240, 3, 0600));
        assertThat(table.controlNodes())
                .extracting(DeviceNode::path)
                .containsExactly("/dev/common");
        assertThat(table.withheldNodes())
                .extracting(DeviceNode::path)
                .containsExactly("/dev/admin");
    }

    @Test
    void devicesWithAnAddressAreNamedByItAndADeviceWithoutAPartIsLeftOut() throws Exception {
        configuration =
                """
                {"resources": [{"name": "g", "resourceName": "x/y",
                  "devices": [{"glob": "/dev/accel/accel#", "with": ["/dev/accel/ctl#"]}]}]}
                """;
        node("dev/accel/accel0", "/dev/zero");
        node("dev/accel/accel1", "/dev/full");
        node("dev/accel/accel2", "/dev/random");
        node("dev/accel/ctl0", "/dev/null");
        node("dev/accel/ctl1", "/dev/urandom");
        for (String[] one : new String[][] {{"1:5", "0000:3b:00.0"}, {"1:7", "0000:af:00.0"}}) {
            Path device = root.resolve("sys/devices/pci0000:00/" + one[1] + "/accel/accelX");
            Files.createDirectories(device);
            Path entry = root.resolve("sys/bus/pci/devices/" + one[1]);
            Files.createDirectories(entry);
            Files.writeString(entry.resolve("numa_node"), "1\n");
            Path link = root.resolve("sys/dev/char/" + one[0]);
            Files.createDirectories(link.getParent());
            Files.createSymbolicLink(link, device);
        }
        DeviceTable table = awaitTable(open());
        assertThat(ids(table)).containsExactly("g-0000:3b:00.0", "g-0000:af:00.0");
        assertThat(table.devices().getFirst().numaNode()).hasValue(1);
        assertThat(table.devices().getFirst().nodes())
                .extracting(DeviceNode::path)
                .containsExactly("/dev/accel/accel0", "/dev/accel/ctl0");
        assertThat(seen().toString())
                .contains("/dev/accel/accel2: there is no character device /dev/accel/ctl2");
    }

    @Test
    void aNodeBelongsToOneDeviceAndFilesAreNone() throws Exception {
        configuration =
                """
                {"resources": [{"name": "g", "resourceName": "x/y",
                  "devices": [{"glob": "/dev/a*"}, {"glob": "/dev/*b"}, {"id": "c", "nodes": ["/dev/c"]}]}]}
                """;
        node("dev/a-b", "/dev/zero");
        Files.writeString(root.resolve("dev/axx"), "no device");
        node("dev/c", "/etc/passwd");
        DeviceTable table = awaitTable(open());
        assertThat(ids(table)).containsExactly("g-a-b");
        assertThat(seen().toString())
                .contains("belongs to another device")
                .contains("there is no character device /dev/c");
    }

    @Test
    void aNodeThatComesOrGoesIsAnotherGeneration() throws Exception {
        CharDeviceProvider provider = (CharDeviceProvider) open();
        DeviceTable before = awaitTable(provider);
        Files.delete(root.resolve("dev/accel/accel10"));
        provider.rescan();
        DeviceTable after = awaitTable(provider);
        assertThat(after.devices()).hasSize(3);
        assertThat(after.generation()).isEqualTo(before.generation() + 1);
        provider.rescan();
        provider.verify(new DeviceId("accel-left"));
        await(provider, DeviceEvent.Verified.class, _ -> true);
        assertThat(seen().stream().filter(DeviceEvent.TableChanged.class::isInstance)).hasSize(2);
    }

    @Test
    void aDeviceIsCleanWhenNobodyHasItOpen() throws Exception {
        DeviceProvider provider = open();
        DeviceId id = awaitTable(provider).devices().getFirst().id();
        provider.verify(id);
        assertThat(await(provider, DeviceEvent.Verified.class, _ -> true).found().clean()).isTrue();
        Path fd = proc.resolve("77/fd/3");
        Files.createDirectories(fd.getParent());
        links.add(Files.createSymbolicLink(fd, Path.of("/dev/zero")));
        provider.verify(id);
        Cleanliness found = await(provider, DeviceEvent.Verified.class, _ -> true).found();
        assertThat(found.pids()).containsExactly(77);
        assertThat(found.problem().orElseThrow())
                .contains("processes [77] have /dev/accel/accel0 open");
        provider.sample();
        var sampled = await(provider, DeviceEvent.Sampled.class, _ -> true).samples();
        assertThat(sampled.getFirst().processes().getFirst().pid()).isEqualTo(77);
        provider.reset(id);
        assertThat(await(provider, DeviceEvent.ResetEnded.class, _ -> true).failure().orElseThrow())
                .contains("no PCI device");
    }

    @Test
    void whereTheConfigurationWantsAResetAnIdleDeviceIsNotCleanYet() throws Exception {
        configuration = ACCEL.replace("\"mode\": \"0600\"", "\"clean\": \"reset\"");
        DeviceProvider provider = open();
        provider.verify(awaitTable(provider).devices().getFirst().id());
        Cleanliness found = await(provider, DeviceEvent.Verified.class, _ -> true).found();
        assertThat(found.problem().orElseThrow()).contains("wants it reset");
    }
}
