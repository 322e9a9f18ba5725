package dev.berth.agent.cli.image;

import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.ImageReference;
import dev.berth.containerizer.image.RegistryCredentials;
import dev.berth.containerizer.image.registry.DockerConfig;
import dev.berth.containerizer.image.registry.HelperProcessCredentials;
import dev.berth.linux.Linux;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** What {@code docker login} left in the caller's {@code config.json} and credential helpers: the agent runs as another user and cannot read it. */
final class RegistryLogin {
    private RegistryLogin() {}

    /** The {@code X-Registry-Auth} header for an image's registry; no header when nothing is known of it. */
    static Map<String, String> headers(Cli cli, String image) throws CliException {
        String directory = cli.environment("DOCKER_CONFIG");
        Path file =
                directory.isEmpty()
                        ? Path.of(cli.environment("HOME"), ".docker", "config.json")
                        : Path.of(directory, "config.json");
        if (!Files.isRegularFile(file)) {
            return Map.of();
        }
        try {
            String registry = ImageReference.parse(image).registry();
            Optional<RegistryCredentials> found =
                    DockerConfig.find(
                            file,
                            registry,
                            new HelperProcessCredentials(Linux.host(), cli.environment()));
            return found.isEmpty() ? Map.of() : header(registry, found.get());
        } catch (ImageException e) {
            throw new CliException(1, String.valueOf(e.getMessage()), e);
        }
    }

    private static Map<String, String> header(String registry, RegistryCredentials found) {
        Map<String, Json> login = new LinkedHashMap<>();
        if (found.identityToken().isPresent()) {
            login.put("identitytoken", Json.of(found.identityToken().get()));
        } else {
            login.put("username", Json.of(found.username()));
            login.put("password", Json.of(found.password()));
        }
        login.put("serveraddress", Json.of(registry));
        byte[] bytes = Json.of(login).toString().getBytes(StandardCharsets.UTF_8);
        return Map.of("X-Registry-Auth", Base64.getUrlEncoder().encodeToString(bytes));
    }
}
