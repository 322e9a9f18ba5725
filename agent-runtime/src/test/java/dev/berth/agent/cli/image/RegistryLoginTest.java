package dev.berth.agent.cli.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;

class RegistryLoginTest {
    @TempDir Path directory;

    private String header(String image) throws CliException {
        PrintStream nowhere =
                new PrintStream(new ByteArrayOutputStream(), false, StandardCharsets.UTF_8);
        Cli cli =
                new Cli(
                        new ByteArrayInputStream(new byte[0]),
                        nowhere,
                        nowhere,
                        Map.of("DOCKER_CONFIG", directory.toString()));
        String header = RegistryLogin.headers(cli, image).getOrDefault("X-Registry-Auth", "");
        return new String(Base64.getUrlDecoder().decode(header), StandardCharsets.UTF_8);
    }

    @Test
    void aLoginGoesToItsOwnRegistryOnly() throws CliException, IOException {
        assertThat(header("debian")).isEmpty();
        String auth =
                Base64.getEncoder().encodeToString("ann:s:cret".getBytes(StandardCharsets.UTF_8));
        Files.writeString(
                directory.resolve("config.json"),
                "{\"auths\":{\"localhost:5000\":{\"auth\":\""
                        + auth
                        + "\"},\"https://index.docker.io/v1/\":{\"identitytoken\":\"t\"}}}",
                StandardCharsets.UTF_8);
        assertThat(header("localhost:5000/a/b:1"))
                .isEqualTo(
                        "{\"username\":\"ann\",\"password\":\"s:cret\",\"serveraddress\":\"localhost:5000\"}");
        assertThat(header("debian"))
                .isEqualTo("{\"identitytoken\":\"t\",\"serveraddress\":\"docker.io\"}");
        assertThat(header("ghcr.io/a/b")).isEmpty();
    }

    @Test
    void aBrokenFileIsNamed() throws IOException {
        Files.writeString(directory.resolve("config.json"), "{", StandardCharsets.UTF_8);
        assertThatThrownBy(() -> header("debian")).hasMessageContaining("config.json");
    }
}
