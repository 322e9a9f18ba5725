package dev.berth.gpu.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.gpu.ContainerEdits;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceGrant;
import dev.berth.gpu.DeviceId;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.Link;
import dev.berth.isolator.ContainerConfig.MountSpec;
import dev.berth.linux.Fd;
import dev.berth.linux.FileMode;
import dev.berth.linux.Linux;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The view of a driver root by what it says; the mounts themselves are tests/root's. */
class DriverViewTest {
    private static final Linux LINUX = Linux.host();
    private static final Set<String> DEFAULT = DriverCapability.DEFAULT;

    @TempDir static Path shared;
    private static DriverRootFixture original;

    @TempDir Path temp;
    private Path root;
    private Path libraries;

    @BeforeAll
    static void build() throws Exception {
        original = DriverRootFixture.make(shared, 4);
        assertThat(DriverRootFixture.files(original.root.resolve("usr/lib"))).isGreaterThan(50);
    }

    @BeforeEach
    void copy() throws Exception {
        root = temp.resolve("host");
        DriverRootFixture.run("/bin/cp", "-a", original.root.toString(), root.toString());
        libraries = root.resolve("usr/lib/x86_64-linux-gnu");
    }

    private DriverView open() throws Exception {
        Set<Integer> owners = new HashSet<>(Set.of(0));
        owners.add((Integer) Files.getAttribute(root, "unix:uid"));
        return DriverView.open(LINUX, root, root, temp.resolve("scratch"), owners, false);
    }

    /** Target below the tree to host path. */
    private static Map<String, String> binds(ContainerEdits edits) {
        Map<String, String> out = new TreeMap<>();
        for (MountSpec mount : edits.mounts()) {
            if (mount instanceof MountSpec.Bind bind
                    && bind.target().startsWith(DriverView.HOME + "/")) {
                assertThat(bind.readOnly() && bind.noSuid() && bind.noDev()).isTrue();
                out.put(bind.target().substring(DriverView.HOME.length() + 1), bind.source());
            }
        }
        return out;
    }

    /** What else the tree holds: links by what they say. */
    private static Map<String, String> links(ContainerEdits edits) throws IOException {
        MountSpec.Bind tree = (MountSpec.Bind) edits.mounts().getFirst();
        assertThat(tree.target()).isEqualTo(DriverView.HOME);
        Map<String, String> out = new TreeMap<>();
        Path skeleton = Path.of(tree.source());
        try (Stream<Path> all = Files.walk(skeleton)) {
            for (Path p : all.filter(Files::isSymbolicLink).toList()) {
                out.put(skeleton.relativize(p).toString(), Files.readSymbolicLink(p).toString());
            }
        }
        return out;
    }

    @Test
    void computeAndUtilityAreTheDefault() throws Exception {
        try (DriverView view = open()) {
            assertThat(view.version()).isEqualTo("580.65.06");
            ContainerEdits edits = view.edits(original.table, original.grant(2), DEFAULT);
            String v = ".so.580.65.06";
            assertThat(binds(edits).keySet())
                    .containsExactlyInAnyOrder(
                            "lib64/libcuda" + v,
                            "lib64/libcudadebugger" + v,
                            "lib64/libnvidia-allocator" + v,
                            "lib64/libnvidia-cfg" + v,
                            "lib64/libnvidia-compiler" + v,
                            "lib64/libnvidia-fatbinaryloader" + v,
                            "lib64/libnvidia-gpucomp" + v,
                            "lib64/libnvidia-ml" + v,
                            "lib64/libnvidia-nscq" + v,
                            "lib64/libnvidia-nvvm" + v,
                            "lib64/libnvidia-nvvm70.so.4",
                            "lib64/libnvidia-opencl" + v,
                            "lib64/libnvidia-pkcs11" + v,
                            "lib64/libnvidia-pkcs11-openssl3" + v,
                            "lib64/libnvidia-ptxjitcompiler" + v,
                            "lib64/libnvidia-sandboxutils" + v,
                            "lib64/libnvidia-tileiras" + v,
                            "bin/nvidia-smi",
                            "bin/nvidia-debugdump",
                            "bin/nvidia-persistenced",
                            "bin/nvidia-cuda-mps-control",
                            "bin/nvidia-cuda-mps-server",
                            "firmware/580.65.06/gsp_ga10x.bin",
                            "firmware/580.65.06/gsp_tu10x.bin",
                            "share/OpenCL/vendors/nvidia.icd");
            assertThat(links(edits))
                    .containsEntry("lib64/libcuda.so.1", "libcuda.so.580.65.06")
                    .containsEntry("lib64/libcuda.so", "libcuda.so.1")
                    .containsEntry("lib64/libnvidia-ml.so", "libnvidia-ml.so.1")
                    .containsEntry("lib64/libnvidia-nvvm.so.4", "libnvidia-nvvm.so.580.65.06")
                    .doesNotContainKey("lib64/libnvidia-cfg.so");
            assertThat(edits.links())
                    .contains(
                            new Link("/usr/bin/nvidia-smi", "/usr/local/nvidia/bin/nvidia-smi"),
                            new Link(
                                    "/lib/firmware/nvidia/580.65.06",
                                    "/usr/local/nvidia/firmware/580.65.06"),
                            new Link(
                                    "/etc/ld.so.conf.d/00-berth-nvidia.conf",
                                    "/usr/local/nvidia/etc/ld.so.conf"));
            assertThat(edits.environment())
                    .contains(
                            "NVIDIA_VISIBLE_DEVICES=void",
                            "LD_LIBRARY_PATH=/usr/local/nvidia/lib:/usr/local/nvidia/lib64")
                    .noneMatch(v2 -> v2.startsWith("CUDA_VISIBLE_DEVICES"));
            assertThat(edits.nodes())
                    .extracting(DeviceNode::path)
                    .containsExactly("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia2");
            assertThat(edits.nodes()).extracting(DeviceNode::access).containsOnly("rw");
            assertThat(edits.warnings()).isEmpty();
        }
    }

    @Test
    void everyCapabilityAddsItsOwnFiles() throws Exception {
        try (DriverView view = open()) {
            DeviceGrant grant = original.grant(0);
            Set<String> none = binds(view.edits(original.table, grant, Set.of("utility"))).keySet();
            assertThat(none)
                    .contains("lib64/libnvidia-ml.so.580.65.06")
                    .doesNotContain("lib64/libcuda.so.580.65.06");
            Map<String, String> expected =
                    Map.of(
                            "video", "lib64/vdpau/libvdpau_nvidia.so.580.65.06",
                            "graphics", "lib64/libGLX_nvidia.so.580.65.06",
                            "ngx", "lib64/libnvidia-ngx.so.580.65.06",
                            "display", "share/glvnd/egl_vendor.d/10_nvidia.json");
            for (Map.Entry<String, String> one : expected.entrySet()) {
                Set<String> with =
                        binds(view.edits(original.table, grant, Set.of("utility", one.getKey())))
                                .keySet();
                assertThat(with).as(one.getKey()).containsAll(none).contains(one.getValue());
                assertThat(none).doesNotContain(one.getValue());
            }
            ContainerEdits all = view.edits(original.table, grant, Set.of("all"));
            assertThat(binds(all))
                    .containsKey("lib/libcuda.so.580.65.06")
                    .doesNotContainKeys("lib64/libGL.so.1", "lib64/libcuda.so.470.82.01")
                    .hasSizeGreaterThan(60);
            assertThat(links(all))
                    .containsEntry("lib64/libGLX_indirect.so.0", "libGLX_nvidia.so.580.65.06")
                    .containsEntry("lib64/gbm/nvidia-drm_gbm.so", "../libnvidia-allocator.so.1")
                    .containsEntry("lib/libcuda.so.1", "libcuda.so.580.65.06");
            assertThat(all.nodes()).extracting(DeviceNode::path).contains("/dev/nvidia-modeset");
            assertThat(binds(view.edits(original.table, grant, Set.of("compute", "compat32"))))
                    .containsKey("lib/libcuda.so.580.65.06")
                    .doesNotContainKey("lib/libnvidia-ml.so.580.65.06");
            assertThatThrownBy(() -> view.edits(original.table, grant, Set.of("magic")))
                    .hasMessageContaining("unknown driver capability \"magic\"");
        }
    }

    @Test
    void procShowsTheGrantedDevicesOnly() throws Exception {
        try (DriverView view = open()) {
            Path shown = proc(view.edits(original.table, original.grant(1, 3), DEFAULT));
            try (Stream<Path> gpus = Files.list(shown.resolve("gpus"))) {
                assertThat(gpus.map(p -> p.getFileName().toString()))
                        .containsExactlyInAnyOrder("0000:11:00.0", "0000:13:00.0");
            }
            assertThat(Files.readString(shown.resolve("gpus/0000:11:00.0/information")))
                    .contains("GPU-00000000-0000-0000-0000-000000000001");
            assertThat(Files.readString(shown.resolve("params")))
                    .isEqualTo("ResmanDebugLevel: 4294967295\nModifyDeviceFiles: 0\n");
            assertThat(Files.readString(shown.resolve("version"))).contains("580.65.06");
            assertThat(shown.resolve("registry")).exists();
            assertThat(proc(view.edits(original.table, original.grant(3, 1), DEFAULT)))
                    .isEqualTo(shown);
        }
        assertThat(Path.of(temp + "/scratch")).isNotEmptyDirectory();
    }

    private static Path proc(ContainerEdits edits) {
        for (MountSpec mount : edits.mounts()) {
            if (mount instanceof MountSpec.Bind bind && bind.target().startsWith("/proc/driver")) {
                assertThat(bind.readOnly()).isTrue();
                return bind.target().endsWith("/nvidia")
                        ? Path.of(bind.source())
                        : Path.of(bind.source()).resolve("nvidia");
            }
        }
        throw new AssertionError("no view of proc in " + edits.mounts());
    }

    @Test
    void paramsWithoutTheLineGetIt() {
        assertThat(DriverParams.withoutModifying("A: 1\nModifyDeviceFiles: 1\nB: 2\n"))
                .isEqualTo("A: 1\nModifyDeviceFiles: 0\nB: 2\n");
        assertThat(DriverParams.withoutModifying("A: 1")).isEqualTo("A: 1\nModifyDeviceFiles: 0\n");
        assertThat(DriverParams.withoutModifying("")).isEqualTo("ModifyDeviceFiles: 0\n");
    }

    @Test
    void writableForOthersIsRefusedWithWhatToDo() throws Exception {
        Path cuda = libraries.resolve("libcuda.so.580.65.06");
        Files.setPosixFilePermissions(cuda, PosixFilePermissions.fromString("rwxr-xrwx"));
        Path cfg = libraries.resolve("libnvidia-cfg.so.580.65.06");
        Files.setPosixFilePermissions(cfg, PosixFilePermissions.fromString("rwxrwxr-x"));
        try (DriverView view = open()) {
            assertThat(view.warnings())
                    .anyMatch(w -> w.contains(cuda.toString()) && w.contains("chmod go-w"))
                    .anyMatch(w -> w.contains(cfg.toString()));
            assertThatThrownBy(() -> view.edits(original.table, original.grant(0), DEFAULT))
                    .isInstanceOf(DeviceException.class)
                    .hasMessageContaining("capability compute is refused")
                    .hasMessageContaining("chmod go-w " + cuda);
            assertThat(binds(view.edits(original.table, original.grant(0), Set.of("utility"))))
                    .containsKey("lib64/libnvidia-ml.so.580.65.06")
                    .doesNotContainKey("lib64/libnvidia-cfg.so.580.65.06");
        }
    }

    @Test
    void directoryThatOthersMayWriteIsRefusedAndAStickyOneIsNot() throws Exception {
        Files.setPosixFilePermissions(
                root.resolve("usr"), PosixFilePermissions.fromString("rwxrwxrwx"));
        try (DriverView view = open()) {
            assertThat(view.warnings())
                    .anyMatch(w -> w.contains(root.resolve("usr") + " may be written"));
            assertThatThrownBy(() -> view.edits(original.table, original.grant(0), DEFAULT))
                    .hasMessageContaining("chmod go-w " + root.resolve("usr"));
        }
        LINUX.files().fchmodat(Fd.CWD, root.resolve("usr").toString(), 0777 | FileMode.S_ISVTX);
        try (DriverView view = open()) {
            assertThat(view.edits(original.table, original.grant(0), DEFAULT).warnings()).isEmpty();
        }
    }

    @Test
    void hostileRootsCostAWarningAndNothingElse() throws Exception {
        Path canary = Files.writeString(temp.resolve("canary"), "secret");
        Path loop = libraries.resolve("libnvidia-cfg.so.580.65.06");
        Files.delete(loop);
        Files.createSymbolicLink(loop, Path.of("libnvidia-cfg.so.580.65.06"));
        Path fifo = libraries.resolve("libnvidia-nscq.so.580.65.06");
        Files.delete(fifo);
        DriverRootFixture.run("/usr/bin/mkfifo", fifo.toString());
        Path out = libraries.resolve("libnvidia-opencl.so.580.65.06");
        Files.delete(out);
        Files.createSymbolicLink(out, canary);
        Path up = libraries.resolve("libcudadebugger.so.580.65.06");
        Files.delete(up);
        Files.createSymbolicLink(up, Path.of("../../../../../../../../../" + canary));
        Path text = libraries.resolve("libnvidia-nvvm.so.580.65.06");
        Files.writeString(text, "no library ".repeat(10));
        Path directory = root.resolve("usr/bin/nvidia-debugdump");
        Files.delete(directory);
        Files.createDirectory(directory);
        try (DriverView view = open()) {
            assertThat(view.warnings())
                    .anyMatch(w -> w.contains("libnvidia-cfg") && w.contains("ELOOP"))
                    .anyMatch(w -> w.contains("libnvidia-nscq") && w.contains("no regular file"))
                    .anyMatch(w -> w.contains("libnvidia-nvvm") && w.contains("no ELF file"))
                    .anyMatch(w -> w.contains("nvidia-debugdump"));
            Map<String, String> binds =
                    binds(view.edits(original.table, original.grant(0), DEFAULT));
            assertThat(binds)
                    .doesNotContainKeys(
                            "lib64/libnvidia-cfg.so.580.65.06",
                            "lib64/libnvidia-nscq.so.580.65.06",
                            "lib64/libnvidia-opencl.so.580.65.06",
                            "lib64/libcudadebugger.so.580.65.06",
                            "lib64/libnvidia-nvvm.so.580.65.06",
                            "bin/nvidia-debugdump")
                    .containsKey("lib64/libcuda.so.580.65.06");
            assertThat(binds.values()).noneMatch(p -> !p.startsWith(root.toString()));
        }
    }

    @Test
    void anotherDriversLibraryIsLeftOut() throws Exception {
        Files.delete(libraries.resolve("libcuda.so.580.65.06"));
        Files.delete(libraries.resolve("libcuda.so.1"));
        Files.createSymbolicLink(
                libraries.resolve("libcuda.so.1"), Path.of("libcuda.so.470.82.01"));
        try (DriverView view = open()) {
            assertThat(view.warnings()).anyMatch(w -> w.contains("is of driver 470.82.01"));
            assertThat(binds(view.edits(original.table, original.grant(0), DEFAULT)).keySet())
                    .noneMatch(p -> p.contains("libcuda.so"));
        }
    }

    @Test
    void driverWithoutVersionsInFileNamesIsFound() throws Exception {
        Files.delete(libraries.resolve("libnvidia-ml.so.1"));
        Files.move(
                libraries.resolve("libnvidia-ml.so.580.65.06"),
                libraries.resolve("libnvidia-ml.so.1"));
        try (DriverView view = open()) {
            assertThat(binds(view.edits(original.table, original.grant(0), DEFAULT)))
                    .containsEntry(
                            "lib64/libnvidia-ml.so.1",
                            libraries.resolve("libnvidia-ml.so.1").toString());
        }
    }

    @Test
    void versionComesFromTheLibrariesWhenProcSaysNothingAndNoDriverIsSaidSo() throws Exception {
        DriverRootFixture.run("/bin/rm", "-r", root.resolve("proc").toString());
        DriverRootFixture.run("/bin/rm", libraries.resolve("libcuda.so.470.82.01").toString());
        try (DriverView view = open()) {
            assertThat(view.version()).isEqualTo("580.65.06");
            assertThat(view.edits(original.table, original.grant(0), DEFAULT).mounts())
                    .noneMatch(m -> m.target().startsWith("/proc"));
        }
        DriverRootFixture.run("/bin/rm", "-r", root.resolve("usr").toString());
        assertThatThrownBy(this::open)
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("no NVIDIA driver")
                .hasMessageContaining("--driver-root");
    }

    @Test
    void staleGrantsAndReplacedDriversAreNoticed() throws Exception {
        try (DriverView view = open()) {
            assertThat(view.isCurrent()).isTrue();
            DeviceGrant gone =
                    new DeviceGrant(
                            original.grant(0).container(),
                            "nvidia.com/gpu",
                            0,
                            List.of(new DeviceId("GPU-gone")));
            assertThatThrownBy(() -> view.edits(original.table, gone, DEFAULT))
                    .hasMessageContaining("GPU-gone")
                    .hasMessageContaining("generation 1");
            Path cuda = libraries.resolve("libcuda.so.580.65.06");
            byte[] bytes = Files.readAllBytes(cuda);
            Files.delete(cuda);
            Files.write(libraries.resolve("new"), bytes);
            Files.move(libraries.resolve("new"), cuda);
            assertThat(view.isCurrent()).isFalse();
        }
        try (DriverView view = open()) {
            Files.writeString(
                    root.resolve("proc/driver/nvidia/version"),
                    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  590.10.01  x\n");
            assertThat(view.isCurrent()).isFalse();
        }
    }

    @Test
    void descriptorsAreLetGo() throws Exception {
        int before = LINUX.files().openDescriptors().size();
        List<DriverView> views = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            views.add(open());
        }
        views.forEach(DriverView::close);
        assertThat(LINUX.files().openDescriptors()).hasSize(before);
    }
}
