package dev.berth.containerizer.image.registry;

import dev.berth.containerizer.image.ImageException;

/** Runs {@code docker-credential-NAME get} (docker-credential-helpers protocol). */
@FunctionalInterface
public interface CredentialHelper {
    /** Refuses: for callers that may start no process. */
    CredentialHelper NONE =
            (name, server) -> {
                throw new ImageException(
                        "credential helper docker-credential-" + name + " cannot be run here");
            };

    /**
     * Asks a helper for what it stores.
     *
     * @param name the part after {@code docker-credential-}
     * @param server key of the registry, written to the helper's standard input
     * @return the helper's standard output: JSON with {@code Username} and {@code Secret}; empty when it has nothing for the server
     */
    byte[] get(String name, String server) throws ImageException;
}
