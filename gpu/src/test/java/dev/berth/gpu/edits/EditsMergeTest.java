package dev.berth.gpu.edits;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.gpu.ContainerEdits;
import dev.berth.isolator.ContainerConfig;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.Link;
import dev.berth.isolator.ContainerConfig.MountSpec;
import dev.berth.isolator.ContainerConfig.Namespaces;
import dev.berth.isolator.ContainerConfig.Namespaces.NetworkMode;
import dev.berth.isolator.ContainerConfig.ProcessSpec;
import dev.berth.isolator.ContainerConfig.Security;
import dev.berth.isolator.ContainerId;
import dev.berth.isolator.ResourceLimits;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

class EditsMergeTest {
    private static MountSpec mount(String source, String target) {
        return new MountSpec.Bind(source, target, true, false, false, "", false, true, true);
    }

    private static DeviceNode node(String path, int minor, String access) {
        return new DeviceNode(path, 'c', 195, minor, 0666, 0, 0, access);
    }

    private static ContainerConfig config(
            List<String> env, List<MountSpec> mounts, List<DeviceNode> devices) {
        return new ContainerConfig(
                new ContainerId("ab".repeat(32)),
                new ProcessSpec(
                        List.of("x"),
                        env,
                        "/",
                        7,
                        8,
                        List.of(8, 44),
                        OptionalInt.empty(),
                        List.of()),
                true,
                mounts,
                new Namespaces(
                        NetworkMode.NONE,
                        Optional.empty(),
                        Optional.empty(),
                        false,
                        false,
                        false,
                        false),
                "h",
                "d",
                Map.of("k", "v"),
                devices,
                List.of(),
                ResourceLimits.NONE,
                new Security(
                        false, Set.of(), Set.of(), "default", true, List.of("/m"), List.of("/r")),
                OptionalInt.of(3),
                65536,
                true,
                true,
                true,
                24,
                80,
                Map.of("/etc/hosts", "hosts"),
                List.of(new Link("/own", "mine")));
    }

    private static ContainerEdits environment(String... variables) {
        return new ContainerEdits(
                List.of(variables), List.of(), List.of(), List.of(), List.of(), List.of());
    }

    @Test
    void nothingChangesNothing() {
        ContainerConfig config = config(List.of("A=1"), List.of(mount("/s", "/t")), List.of());
        assertThat(EditsMerge.apply(config, ContainerEdits.NONE)).isSameAs(config);
        assertThat(EditsMerge.apply(config, environment("A=1"))).isEqualTo(config);
    }

    @Test
    void editsWinInPlaceAndListsAreAppended() {
        assertThat(
                        EditsMerge.environment(
                                List.of(
                                        "A=1",
                                        "NVIDIA_VISIBLE_DEVICES=all",
                                        "PATH=/usr/local/nvidia/bin:/bin",
                                        "LD_LIBRARY_PATH=",
                                        "odd"),
                                environment(
                                        "NVIDIA_VISIBLE_DEVICES=void",
                                        "B=x=y",
                                        "PATH=/usr/local/nvidia/bin:/opt/bin",
                                        "LD_LIBRARY_PATH=/l1:/l2",
                                        "LD_LIBRARY_PATH=/l2:/l3")))
                .containsExactly(
                        "A=1",
                        "NVIDIA_VISIBLE_DEVICES=void",
                        "PATH=/usr/local/nvidia/bin:/bin:/opt/bin",
                        "LD_LIBRARY_PATH=/l1:/l2:/l3",
                        "B=x=y",
                        "odd");
        assertThat(EditsMerge.environment(List.of(), environment("PATH=/n", "LD_LIBRARY_PATH=/l")))
                .containsExactly(
                        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/n",
                        "LD_LIBRARY_PATH=/l");
    }

    @Test
    void nodesMountsGroupsAndLinksAreMerged() {
        ContainerConfig config =
                config(
                        List.of(),
                        List.of(mount("/own", "/usr/local/nvidia"), mount("/deep", "/a/b/c")),
                        List.of(node("/dev/nvidia0", 0, "rwm"), node("/dev/other", 9, "r")));
        ContainerEdits edits =
                new ContainerEdits(
                        List.of(),
                        List.of(node("/dev/nvidia0", 5, "rw"), node("/dev/nvidiactl", 255, "rw")),
                        List.of(
                                mount("/tree", "/usr/local/nvidia/"),
                                mount("/first", "/a"),
                                mount("/second", "/a"),
                                mount("/b", "/a/b")),
                        List.of(44, 0, 109),
                        List.of(
                                new Link("/own", "theirs"),
                                new Link("/a", "hidden"),
                                new Link("/new", "n")),
                        List.of());
        ContainerConfig merged = EditsMerge.apply(config, edits);
        assertThat(merged.devices())
                .containsExactly(
                        node("/dev/nvidia0", 5, "rw"),
                        node("/dev/other", 9, "r"),
                        node("/dev/nvidiactl", 255, "rw"));
        assertThat(merged.mounts())
                .containsExactly(
                        mount("/second", "/a"),
                        mount("/b", "/a/b"),
                        mount("/own", "/usr/local/nvidia"),
                        mount("/deep", "/a/b/c"));
        assertThat(merged.process().groups()).containsExactly(8, 44, 109);
        assertThat(merged.links()).containsExactly(new Link("/own", "mine"), new Link("/new", "n"));
        assertThat(merged.security()).isEqualTo(config.security());
        assertThat(merged.hostsFiles()).isEqualTo(config.hostsFiles());
    }
}
