package dev.berth.gpu.cdi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.gpu.ContainerEdits;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.driver.DriverRootFixture;
import dev.berth.isolator.ContainerConfig.DeviceNode;
import dev.berth.isolator.ContainerConfig.Link;
import dev.berth.isolator.ContainerConfig.MountSpec;
import dev.berth.linux.Linux;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Files in directories, and what each field does. */
class CdiRegistryTest {
    @TempDir Path temp;
    private Path fixed;
    private Path written;
    private CdiRegistry registry;

    @BeforeEach
    void open() throws Exception {
        fixed = Files.createDirectories(temp.resolve("etc"));
        written = Files.createDirectories(temp.resolve("run"));
        for (Path p : List.of(temp, fixed, written)) {
            Files.setPosixFilePermissions(p, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        Set<Integer> owners = new HashSet<>(Set.of(0));
        owners.add((Integer) Files.getAttribute(temp, "unix:uid"));
        registry =
                new CdiRegistry(
                        Linux.host(),
                        List.of(fixed, written, temp.resolve("absent")),
                        temp,
                        owners);
    }

    private static String spec(String kind, String name, String edits) {
        return "{\"cdiVersion\": \"1.1.0\", \"kind\": \"%s\", \"devices\": [{\"name\": \"%s\", \"containerEdits\": {%s}}]}"
                .formatted(kind, name, edits);
    }

    private static void write(Path file, String text) throws Exception {
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    }

    private ContainerEdits edits(String edits) throws Exception {
        write(fixed.resolve("one.json"), spec("v.com/c", "x", edits));
        registry.refresh();
        return registry.resolve(List.of("v.com/c=x"), 1000, 1001);
    }

    @Test
    void envNodesMountsAndGroupsArrive() throws Exception {
        ContainerEdits edits =
                edits(
                        """
                        "env": ["A=b"], "additionalGids": [44, 0],
                        "deviceNodes": [
                          {"path": "/dev/a", "type": "c", "major": 10, "minor": 3, "fileMode": 384, "uid": 7, "gid": 8},
                          {"path": "/dev/b", "type": "b", "major": 7, "minor": 1, "permissions": "r"},
                          {"path": "/dev/u", "type": "u", "major": 1, "minor": 9, "permissions": "rwm"},
                          {"path": "/dev/zero"}, {"path": "/dev/n", "hostPath": "/dev/null", "permissions": "w"}],
                        "mounts": [
                          {"hostPath": "/opt", "containerPath": "/opt", "options": ["ro", "nosuid", "nodev", "noexec", "bind", "rslave"]},
                          {"hostPath": "/srv", "containerPath": "/srv"},
                          {"hostPath": "tmpfs", "containerPath": "/t", "type": "tmpfs", "options": ["size=2m", "mode=700", "nosuid"]}]
                        """);
        assertThat(edits.environment()).containsExactly("A=b");
        assertThat(edits.additionalGroups()).containsExactly(44, 0);
        assertThat(edits.nodes())
                .containsExactly(
                        new DeviceNode("/dev/a", 'c', 10, 3, 0600, 7, 8, "rw"),
                        new DeviceNode("/dev/b", 'b', 7, 1, 0666, 1000, 1001, "r"),
                        new DeviceNode("/dev/u", 'c', 1, 9, 0666, 1000, 1001, "rwm"),
                        new DeviceNode("/dev/zero", 'c', 1, 5, 0666, 1000, 1001, "rw"),
                        new DeviceNode("/dev/n", 'c', 1, 3, 0666, 1000, 1001, "w"));
        assertThat(edits.mounts())
                .containsExactly(
                        new MountSpec.Bind(
                                "/opt", "/opt", true, false, false, "rslave", true, true, true),
                        new MountSpec.Bind(
                                "/srv",
                                "/srv",
                                false,
                                false,
                                true,
                                "rprivate",
                                false,
                                false,
                                false),
                        new MountSpec.Tmpfs("/t", 2 << 20, 0700, 0, 0, false, false));
        assertThat(registry.problems()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"netDevices\": [{\"hostInterfaceName\": \"eth9\", \"name\": \"e\"}]|network interface eth9",
                "\"intelRdt\": {\"closID\": \"guaranteed\"}|RDT class \"guaranteed\"",
                "\"deviceNodes\": [{\"path\": \"/dev/p\", \"type\": \"p\"}]|is a FIFO",
                "\"deviceNodes\": [{\"path\": \"/dev/absent-device\"}]|/dev/absent-device is not on this host",
                "\"deviceNodes\": [{\"path\": \"/dev/null\", \"type\": \"b\"}]|is no block device",
                "\"deviceNodes\": [{\"path\": \"/dev/x\", \"hostPath\": \"/etc/passwd\"}]|is no  device",
                "\"mounts\": [{\"hostPath\": \"x\", \"containerPath\": \"/x\"}]|no absolute path",
                "\"mounts\": [{\"hostPath\": \"/x\", \"containerPath\": \"/x\", \"options\": [\"shiny\"]}]|option \"shiny\"",
                "\"mounts\": [{\"hostPath\": \"/x\", \"containerPath\": \"/x\", \"type\": \"nfs\"}]|type \"nfs\"",
                "\"hooks\": [{\"hookName\": \"prestart\", \"path\": \"/usr/bin/thing\"}]|prestart hook thing",
                "\"hooks\": [{\"hookName\": \"createContainer\", \"path\": \"/usr/bin/nvidia-cdi-hook\", \"args\": [\"nvidia-cdi-hook\", \"brew\"]}]|nvidia-cdi-hook brew",
                "\"hooks\": [{\"hookName\": \"startContainer\", \"path\": \"/usr/bin/nvidia-cdi-hook\", \"args\": [\"x\", \"chmod\"]}]|runs no hooks",
                "\"hooks\": [{\"hookName\": \"createContainer\", \"path\": \"/usr/bin/nvidia-cdi-hook\", \"args\": [\"x\", \"chmod\", \"--path\", \"/etc\"]}]|chmod of /etc",
                "\"hooks\": [{\"hookName\": \"createContainer\", \"path\": \"/usr/bin/nvidia-cdi-hook\", \"args\": [\"x\", \"create-symlinks\", \"--link\", \"a::../b\"]}]|want TARGET::/LINK"
            })
    void whatCannotBeDoneIsRefusedByName(String edits, String why) {
        assertThatThrownBy(() -> edits(edits))
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("v.com/c=x")
                .hasMessageContaining(why);
    }

    private static String hook(String program, String... args) {
        return "{\"hookName\": \"createContainer\", \"path\": \"/usr/bin/%s\", \"args\": [\"%s\"]}"
                .formatted(program, String.join("\", \"", args));
    }

    @Test
    void hooksOfTheToolkitAreDoneWithoutAProcess() throws Exception {
        Path library = temp.resolve("libcuda.so.580.65.06");
        Path source = Files.writeString(temp.resolve("x.c"), "int x;\n");
        DriverRootFixture.run(
                "/usr/bin/gcc",
                "-shared",
                "-nostdlib",
                "-Wl,-soname,libcuda.so.1",
                "-o",
                library.toString(),
                source.toString());
        ContainerEdits edits =
                edits(
                        "\"mounts\": [{\"hostPath\": \""
                                + library
                                + "\", \"containerPath\": \"/usr/lib64/libcuda.so.580.65.06\", \"options\": [\"ro\"]},"
                                + "{\"hostPath\": \""
                                + source
                                + "\", \"containerPath\": \"/usr/lib64/x.c\"}],"
                                + "\"hooks\": ["
                                + hook(
                                        "nvidia-cdi-hook",
                                        "nvidia-cdi-hook",
                                        "create-symlinks",
                                        "--link",
                                        "libcuda.so.1::/usr/lib64/libcuda.so",
                                        "--link=../x::/y/z")
                                + ","
                                + hook(
                                        "nvidia-ctk",
                                        "nvidia-ctk",
                                        "hook",
                                        "update-ldcache",
                                        "--ldconfig-path",
                                        "/sbin/ldconfig",
                                        "--folder",
                                        "/usr/lib64")
                                + ","
                                + hook("nvidia-cdi-hook", "x", "disable-device-node-modification")
                                + ","
                                + hook(
                                        "nvidia-cdi-hook",
                                        "x",
                                        "chmod",
                                        "--mode",
                                        "755",
                                        "--path",
                                        "/dev/dri")
                                + ","
                                + hook(
                                        "nvidia-cdi-hook",
                                        "x",
                                        "enable-cuda-compat",
                                        "--host-driver-version=580.65.06")
                                + "]");
        assertThat(edits.links())
                .containsExactly(
                        new Link("/usr/lib64/libcuda.so", "libcuda.so.1"),
                        new Link("/y/z", "../x"),
                        new Link(
                                "/usr/local/nvidia/lib64/libcuda.so.1",
                                "/usr/lib64/libcuda.so.580.65.06"),
                        new Link("/usr/lib64/libcuda.so.1", "libcuda.so.580.65.06"));
        assertThat(edits.environment()).containsExactly("LD_LIBRARY_PATH=/usr/local/nvidia/lib64");
        assertThat(edits.warnings()).hasSize(1).first().asString().contains("enable-cuda-compat");
        // Where this kernel has no driver there are no parameters to patch.
        boolean driver = Files.exists(Path.of("/proc/driver/nvidia/params"));
        assertThat(edits.mounts()).hasSize(driver ? 3 : 2);
    }

    @Test
    void laterDirectoriesGoFirstAndEqualOnesConflict() throws Exception {
        write(fixed.resolve("a.json"), spec("v.com/c", "x", "\"env\": [\"FROM=etc\"]"));
        assertThat(registry.refresh()).isTrue();
        assertThat(registry.refresh()).isFalse();
        assertThat(registry.devices()).containsExactly("v.com/c=x");
        write(written.resolve("b.yaml"), spec("v.com/c", "x", "\"env\": [\"FROM=run\"]"));
        assertThat(registry.refresh()).isTrue();
        assertThat(registry.resolve(List.of("v.com/c=x"), 0, 0).environment())
                .containsExactly("FROM=run");
        write(written.resolve("c.json"), spec("v.com/c", "x", "\"env\": [\"FROM=too\"]"));
        write(written.resolve("d.json"), spec("v.com/c", "y", "\"env\": [\"Y=1\"]"));
        registry.refresh();
        assertThat(registry.devices()).containsExactly("v.com/c=y");
        assertThat(registry.problems())
                .singleElement()
                .asString()
                .contains("v.com/c=x is described by both", "b.yaml", "c.json");
        assertThatThrownBy(() -> registry.resolve(List.of("v.com/c=x", "v.com/c=y"), 0, 0))
                .hasMessageContaining("unresolvable CDI devices v.com/c=x:")
                .hasMessageContaining("described by both");
        Files.delete(written.resolve("c.json"));
        assertThat(registry.refresh()).isTrue();
        assertThat(registry.devices()).containsExactly("v.com/c=x", "v.com/c=y");
    }

    @Test
    void sharedEditsCountOnceForEachFile() throws Exception {
        write(
                fixed.resolve("a.yaml"),
                """
                cdiVersion: 0.5.0
                kind: v.com/c
                containerEdits: {env: [PATH=/s], deviceNodes: [{path: /dev/full}]}
                devices:
                - {name: "0", containerEdits: {env: [N=0], deviceNodes: [{path: /dev/zero}]}}
                - {name: "1", containerEdits: {env: [N=1], deviceNodes: [{path: /dev/null}]}}
                """);
        registry.refresh();
        ContainerEdits edits =
                registry.resolve(List.of("v.com/c=1", "v.com/c=0", "v.com/c=1"), 0, 0);
        assertThat(edits.environment()).containsExactly("PATH=/s", "N=1", "N=0");
        assertThat(edits.nodes())
                .extracting(DeviceNode::path)
                .containsExactly("/dev/full", "/dev/null", "/dev/zero");
    }

    @Test
    void filesThatOthersMayChangeAndBrokenOnesAreNotRead() throws Exception {
        Path open = fixed.resolve("open.json");
        write(open, spec("v.com/c", "x", "\"env\": [\"A=b\"]"));
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rw-rw-rw-"));
        write(fixed.resolve("broken.json"), "{");
        write(fixed.resolve("notes.txt"), "nothing");
        DriverRootFixture.run("/usr/bin/mkfifo", fixed.resolve("fifo.json").toString());
        Files.createSymbolicLink(fixed.resolve("loop.yaml"), Path.of("loop.yaml"));
        Files.createDirectory(fixed.resolve("directory.json"));
        write(fixed.resolve("good.json"), spec("v.com/c", "y", "\"env\": [\"A=b\"]"));
        registry.refresh();
        assertThat(registry.devices()).containsExactly("v.com/c=y");
        assertThat(registry.problems())
                .hasSize(5)
                .anyMatch(p -> p.contains("chmod go-w " + open))
                .anyMatch(p -> p.contains("broken.json: no JSON"))
                .anyMatch(p -> p.contains("fifo.json"))
                .anyMatch(p -> p.contains("loop.yaml"))
                .anyMatch(p -> p.contains("directory.json"));
    }
}
