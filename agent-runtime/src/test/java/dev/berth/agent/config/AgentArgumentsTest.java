package dev.berth.agent.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.agent.config.DeviceOptions.GpuSource;
import dev.berth.agent.config.DeviceOptions.OnFault;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;

class AgentArgumentsTest {
    @Test
    void theDefaultsAreDockerdsInOurOwnPlaces() throws AgentException {
        AgentConfig config = AgentArguments.parse(List.of());
        assertThat(config.socket()).isEqualTo(Path.of("/run/berth/berth.sock"));
        assertThat(config.dataRoot()).isEqualTo(Path.of("/var/lib/berth"));
        assertThat(config.cgroupParent()).matches("berth-[0-9a-f]{8}");
    }

    @Test
    void mastersAreNamedOrElected() throws AgentException {
        MasterOptions named =
                AgentArguments.parse(List.of("--master", "http://m1,http://m2:6000"))
                        .master()
                        .orElseThrow();
        assertThat(named.masters())
                .containsExactly(URI.create("http://m1:5050"), URI.create("http://m2:6000"));
        assertThat(named.zooKeeper()).isEmpty();
        MasterOptions elected =
                AgentArguments.parse(List.of("--master=zk://z1,z2:2182/berth"))
                        .master()
                        .orElseThrow();
        assertThat(elected.masters()).isEmpty();
        assertThat(elected.zooKeeper().orElseThrow().servers()).isEqualTo("z1:2181,z2:2182");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "zk://z1:2181",
                "zk:///berth",
                "zk://z1:port/berth",
                "zk://z1/berth,http://m",
                "http://m,zk://z1/berth",
                "https://m",
                "http://m/path",
                ""
            })
    void whatIsNoMasterIsRefusedWithWhatIsExpected(String master) {
        assertThatThrownBy(() -> AgentArguments.parse(List.of("--master", master)))
                .isInstanceOf(AgentException.class)
                .hasMessageContaining("option --master: ")
                .hasMessageContaining("zk://HOST:PORT,HOST:PORT/PATH");
    }

    @Test
    void everyOptionIsRead() throws AgentException {
        AgentConfig config =
                AgentArguments.parse(
                        List.of(
                                "-H",
                                "unix:///a/b.sock",
                                "--data-root=/d",
                                "--exec-root",
                                "/e",
                                "--cgroup-parent",
                                "/x/y",
                                "--group",
                                "docker",
                                "--no-new-privileges",
                                "--exit-when-idle",
                                "5",
                                "--insecure-registry",
                                "localhost:5000",
                                "--insecure-registry",
                                "r"));
        assertThat(config.socket()).isEqualTo(Path.of("/a/b.sock"));
        assertThat(config.cgroupParent()).isEqualTo("x/y");
        assertThat(config.group()).hasValue("docker");
        assertThat(config.noNewPrivileges()).isTrue();
        assertThat(config.exitWhenIdleSeconds()).isEqualTo(5);
        assertThat(config.insecureRegistries()).containsExactly("localhost:5000", "r");
    }

    @Test
    void whereDevicesComeFromIsRead() throws AgentException {
        DeviceOptions plain = AgentArguments.parse(List.of()).devices();
        assertThat(plain.gpus()).isEqualTo(new GpuSource.Auto());
        assertThat(plain.cdiDirectories())
                .containsExactly(Path.of("/etc/cdi"), Path.of("/var/run/cdi"));
        assertThat(plain.onFault()).isEqualTo(OnFault.KEEP);
        DeviceOptions all =
                AgentArguments.parse(
                                List.of(
                                        "--gpus=sim:/m/8.json",
                                        "--driver-root=/drv",
                                        "--devices=/etc/d.json",
                                        "--cdi-spec-dirs=/a,/b",
                                        "--cdi-spec-dir=/c",
                                        "--gpu-fault=kill"))
                        .devices();
        assertThat(all.gpus()).isEqualTo(new GpuSource.SimulatedFile(Path.of("/m/8.json")));
        assertThat(all.driverRoot()).hasValue(Path.of("/drv"));
        assertThat(all.characterDevices()).hasValue(Path.of("/etc/d.json"));
        assertThat(all.cdiDirectories())
                .containsExactly(Path.of("/a"), Path.of("/b"), Path.of("/c"));
        assertThat(all.onFault()).isEqualTo(OnFault.KILL);
        assertThat(AgentArguments.parse(List.of("--gpus", "sim:8xH100")).devices().gpus())
                .isEqualTo(new GpuSource.Simulated("8xH100"));
        assertThat(AgentArguments.parse(List.of("--gpus", "none")).devices().gpus())
                .isEqualTo(new GpuSource.None());
    }

    @Test
    void twoDataRootsNeverShareACgroup() throws AgentException {
        assertThat(AgentArguments.parse(List.of("--data-root", "/a")).cgroupParent())
                .isNotEqualTo(AgentArguments.parse(List.of("--data-root", "/b")).cgroupParent());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--nope",
                "--gpus two",
                "--gpus sim:",
                "--gpus sim:a/b",
                "--gpu-fault maybe",
                "--driver-root here",
                "--cdi-spec-dir x",
                "-H",
                "-H tcp://0.0.0.0:2375",
                "-H unix://relative",
                "--data-root relative",
                "--exit-when-idle soon",
                "--cgroup-parent ../up",
                "extra",
            })
    void wrongOptionsAreNamed(String line) {
        List<String> arguments = List.of(line.split(" "));
        assertThatThrownBy(() -> AgentArguments.parse(arguments))
                .isInstanceOf(AgentException.class)
                .hasMessageContaining(arguments.getFirst());
    }

    @Test
    void signalsAreReadInAllSpellings() throws AgentException {
        for (String text : List.of("SIGTERM", "term", "15", "Term")) {
            assertThat(Signals.parse(text)).isEqualTo(15);
        }
        assertThat(Signals.parse("RTMIN+3")).isEqualTo(37);
        assertThat(Signals.name(9)).isEqualTo("KILL");
        for (String text : List.of("", "0", "65", "NOPE", "-1")) {
            assertThatThrownBy(() -> Signals.parse(text)).isInstanceOf(AgentException.class);
        }
    }
}
