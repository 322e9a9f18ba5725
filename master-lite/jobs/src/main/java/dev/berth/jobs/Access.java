package dev.berth.jobs;

import dev.berth.protocol.TokenFile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What is shown to masters and agents.
 *
 * @param token empty: nothing
 */
public record Access(Optional<String> token) {
    /** Reads a token; without {@code needed} a file that is not there, or not for us, is none. */
    public static Access of(Path file, boolean needed) throws JobException {
        if (!needed && !Files.isReadable(file)) {
            return new Access(Optional.empty());
        }
        try {
            return new Access(Optional.of(TokenFile.read(file)));
        } catch (IOException e) {
            throw new JobException(String.valueOf(e.getMessage()), e);
        }
    }

    /** Without the token. */
    @Override
    public String toString() {
        return token.isEmpty() ? "nothing" : "token";
    }
}
