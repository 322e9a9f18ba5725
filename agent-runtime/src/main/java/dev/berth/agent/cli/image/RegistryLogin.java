package dev.berth.agent.cli.image;

import dev.berth.agent.cli.json.Json;
import dev.berth.agent.cli.json.JsonReader;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

/** What {@code docker login} left in the caller's {@code config.json}: the agent runs as another user and could not read it. */
final class RegistryLogin {
    private static final String HUB = "https://index.docker.io/v1/";

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
        String registry = registry(image);
        try {
            Json config = JsonReader.read(Files.readString(file, StandardCharsets.UTF_8));
            Json entry = config.at("auths", registry);
            if (entry.isNull() && !registry.equals(HUB)) {
                entry = config.at("auths", "https://" + registry);
            }
            return entry.isNull() ? Map.of() : header(registry, entry, file);
        } catch (IOException e) {
            throw new CliException(1, "cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    private static Map<String, String> header(String registry, Json entry, Path file)
            throws CliException {
        Map<String, Json> login = new LinkedHashMap<>();
        String token = entry.at("identitytoken").text();
        if (!token.isEmpty()) {
            login.put("identitytoken", Json.of(token));
        } else {
            String both;
            try {
                both =
                        new String(
                                Base64.getDecoder().decode(entry.at("auth").text()),
                                StandardCharsets.UTF_8);
            } catch (IllegalArgumentException e) {
                throw new CliException(1, file + ": auths of " + registry + " is not base64", e);
            }
            int colon = both.indexOf(':');
            if (colon < 0) {
                return Map.of();
            }
            login.put("username", Json.of(both.substring(0, colon)));
            login.put("password", Json.of(both.substring(colon + 1).replace("\0", "")));
        }
        login.put("serveraddress", Json.of(registry));
        return Map.of(
                "X-Registry-Auth",
                Base64.getUrlEncoder()
                        .encodeToString(
                                Json.of(login).toString().getBytes(StandardCharsets.UTF_8)));
    }

    /** The key under which docker files a login: the host before the first slash if it looks like one, else the Hub's old address. */
    static String registry(String image) {
        int slash = image.indexOf('/');
        String first = slash < 0 ? "" : image.substring(0, slash);
        boolean host = first.contains(".") || first.contains(":") || first.equals("localhost");
        return !host || first.equals("docker.io") ? HUB : first;
    }
}
