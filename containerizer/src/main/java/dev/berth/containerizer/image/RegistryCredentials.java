package dev.berth.containerizer.image;

import java.util.Optional;

/** What a registry may be shown: user and password, or an identity (refresh) token. Never printed. */
public record RegistryCredentials(
        String username, String password, Optional<String> identityToken) {
    @Override
    public String toString() {
        return "RegistryCredentials[" + username + "]";
    }
}
