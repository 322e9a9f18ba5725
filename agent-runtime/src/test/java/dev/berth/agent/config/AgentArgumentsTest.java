package dev.berth.agent.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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
    void twoDataRootsNeverShareACgroup() throws AgentException {
        assertThat(AgentArguments.parse(List.of("--data-root", "/a")).cgroupParent())
                .isNotEqualTo(AgentArguments.parse(List.of("--data-root", "/b")).cgroupParent());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--nope",
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
