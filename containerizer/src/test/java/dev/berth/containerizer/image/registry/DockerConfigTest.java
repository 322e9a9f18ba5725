package dev.berth.containerizer.image.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.containerizer.image.RegistryCredentials;
import dev.berth.linux.Linux;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

class DockerConfigTest {
    @TempDir Path directory;

    private Path config(String text) throws IOException {
        Path file = directory.resolve("config.json");
        Files.writeString(file, text);
        return file;
    }

    private static Optional<RegistryCredentials> user(String name, String password) {
        return Optional.of(new RegistryCredentials(name, password, Optional.empty()));
    }

    @Test
    void theHubHasAKeyOfItsOwn() throws Exception {
        Path file =
                config(
                        "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"YTpiOmM=\"},\"ghcr.io\":{\"username\":\"u\",\"password\":\"p\"}}}");
        assertThat(DockerConfig.find(file, "docker.io", CredentialHelper.NONE))
                .isEqualTo(user("a", "b:c"));
        assertThat(DockerConfig.find(file, "ghcr.io", CredentialHelper.NONE))
                .isEqualTo(user("u", "p"));
        assertThat(DockerConfig.find(file, "quay.io", CredentialHelper.NONE)).isEmpty();
    }

    @Test
    void anIdentityTokenComesAlong() throws Exception {
        Path file =
                config("{\"auths\":{\"r.example\":{\"auth\":\"YTo=\",\"identitytoken\":\"tok\"}}}");
        assertThat(DockerConfig.find(file, "r.example", CredentialHelper.NONE))
                .contains(new RegistryCredentials("a", "", Optional.of("tok")));
    }

    @Test
    void helpersAreAskedFirst() throws Exception {
        Path file = config("{\"credsStore\":\"all\",\"credHelpers\":{\"ghcr.io\":\"one\"}}");
        CredentialHelper helper =
                (name, server) ->
                        server.equals("quay.io")
                                ? new byte[0]
                                : ("{\"ServerURL\":\"x\",\"Username\":\"<token>\",\"Secret\":\""
                                                + name
                                                + " "
                                                + server
                                                + "\"}")
                                        .getBytes(StandardCharsets.UTF_8);
        assertThat(DockerConfig.find(file, "ghcr.io", helper))
                .contains(new RegistryCredentials("", "", Optional.of("one ghcr.io")));
        assertThat(DockerConfig.find(file, "docker.io", helper))
                .contains(
                        new RegistryCredentials(
                                "", "", Optional.of("all https://index.docker.io/v1/")));
        assertThat(DockerConfig.find(file, "quay.io", helper)).isEmpty();
    }

    @Test
    void helpersAreRunAsPrograms() throws Exception {
        Path program = directory.resolve("docker-credential-script");
        Files.writeString(
                program,
                """
                #!/bin/sh
                read server
                case $1-$server in
                get-known) echo "{\\"Username\\":\\"u\\",\\"Secret\\":\\"$SETTING\\"}" ;;
                get-broken) echo secret; echo locked >&2; exit 3 ;;
                *) echo "credentials not found in native keychain"; exit 1 ;;
                esac
                """);
        assertThat(program.toFile().setExecutable(true)).isTrue();
        CredentialHelper helper =
                new HelperProcessCredentials(
                        Linux.host(),
                        Map.of("PATH", directory + ":/usr/bin:/bin", "SETTING", "s3"));
        Path file = config("{\"credsStore\":\"script\"}");
        assertThat(DockerConfig.find(file, "known", helper)).isEqualTo(user("u", "s3"));
        assertThat(DockerConfig.find(file, "other", helper)).isEmpty();
        assertThatThrownBy(() -> DockerConfig.find(file, "broken", helper))
                .hasMessageContaining("exit code 3: locked")
                .hasMessageNotContaining("secret");
        assertThatThrownBy(
                        () -> DockerConfig.find(config("{\"credsStore\":\"absent\"}"), "x", helper))
                .hasMessageContaining("not in PATH");
    }

    @Test
    void aHelperNameIsNoPath() throws Exception {
        Path file = config("{\"credsStore\":\"../../tmp/evil\"}");
        assertThatThrownBy(() -> DockerConfig.find(file, "ghcr.io", CredentialHelper.NONE))
                .hasMessageContaining("invalid credential helper");
    }

    @Test
    void noFileIsNoError() throws Exception {
        assertThat(DockerConfig.find(directory.resolve("none"), "ghcr.io", CredentialHelper.NONE))
                .isEmpty();
    }
}
