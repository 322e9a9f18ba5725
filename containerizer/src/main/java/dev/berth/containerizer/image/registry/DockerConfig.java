package dev.berth.containerizer.image.registry;

import dev.berth.containerizer.image.ImageException;
import dev.berth.containerizer.image.RegistryCredentials;
import dev.berth.containerizer.image.manifest.JsonObject;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Credentials that {@code docker login} and its like stored: {@code auths}, {@code credHelpers} and {@code credsStore} of {@code config.json} (docker CLI, "Credential stores"). */
public final class DockerConfig {
    /** Docker's word for a secret that is an identity token, in place of a user name. */
    private static final String TOKEN_USER = "<token>";

    private static final String HUB = "https://index.docker.io/v1/";
    private static final int MAX_BYTES = 1 << 20;

    private DockerConfig() {}

    /** What is stored for a registry ({@code docker.io} is the Hub); empty when the file or the entry is not there. Blocks as long as a helper takes. */
    public static Optional<RegistryCredentials> find(
            Path file, String registry, CredentialHelper helpers) throws ImageException {
        byte[] bytes;
        try {
            if (!Files.exists(file)) {
                return Optional.empty();
            }
            if (Files.size(file) > MAX_BYTES) {
                throw new ImageException(file + " is larger than " + MAX_BYTES + " bytes");
            }
            bytes = Files.readAllBytes(file);
        } catch (IOException e) {
            throw new ImageException("read stored credentials " + file, e);
        }
        JsonObject json = JsonObject.parse(file.toString(), bytes);
        String key = registry.equals("docker.io") ? HUB : registry;
        Map<String, String> special = json.stringMap("credHelpers");
        String helper = special.getOrDefault(key, special.getOrDefault(registry, ""));
        if (helper.isEmpty()) {
            helper = json.text("credsStore");
        }
        if (!helper.isEmpty()) {
            Optional<RegistryCredentials> answer = ask(helper, key, helpers);
            if (answer.isPresent()) {
                return answer;
            }
        }
        Optional<JsonObject> auths = json.object("auths");
        if (auths.isEmpty()) {
            return Optional.empty();
        }
        for (String name : names(key)) {
            Optional<JsonObject> entry = auths.get().object(name);
            if (entry.isPresent()) {
                return read(file, name, entry.get());
            }
        }
        return Optional.empty();
    }

    private static List<String> names(String key) {
        return key.equals(HUB)
                ? List.of(HUB, "docker.io", "index.docker.io", "registry-1.docker.io")
                : List.of(
                        key,
                        "https://" + key,
                        "http://" + key,
                        "https://" + key + "/v1/",
                        "https://" + key + "/v2/",
                        "http://" + key + "/v1/",
                        "http://" + key + "/v2/");
    }

    private static Optional<RegistryCredentials> read(Path file, String name, JsonObject entry)
            throws ImageException {
        String user = entry.text("username");
        String password = entry.text("password");
        String auth = entry.text("auth");
        if (!auth.isEmpty()) {
            String decoded;
            try {
                decoded =
                        new String(Base64.getMimeDecoder().decode(auth), StandardCharsets.UTF_8)
                                .replace("\0", "");
            } catch (IllegalArgumentException e) {
                throw new ImageException(file + ": auths[" + name + "].auth is not base64");
            }
            int colon = decoded.indexOf(':');
            if (colon < 0) {
                throw new ImageException(file + ": auths[" + name + "].auth is not user:password");
            }
            user = decoded.substring(0, colon);
            password = decoded.substring(colon + 1);
        }
        Optional<String> token = entry.string("identitytoken").filter(t -> !t.isEmpty());
        if (user.isEmpty() && token.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new RegistryCredentials(user, password, token));
    }

    private static Optional<RegistryCredentials> ask(
            String helper, String key, CredentialHelper helpers) throws ImageException {
        if (!helper.matches("[A-Za-z0-9._-]+")) {
            throw new ImageException("invalid credential helper name \"" + helper + "\"");
        }
        byte[] output = helpers.get(helper, key);
        if (output.length == 0) {
            return Optional.empty();
        }
        JsonObject answer = JsonObject.parse("answer of docker-credential-" + helper, output);
        String user = answer.text("Username");
        String secret = answer.text("Secret");
        return Optional.of(
                user.equals(TOKEN_USER)
                        ? new RegistryCredentials("", "", Optional.of(secret))
                        : new RegistryCredentials(user, secret, Optional.empty()));
    }
}
