package dev.berth.jobs;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
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
            return new Access(Optional.of(Files.readString(file, StandardCharsets.UTF_8).strip()));
        } catch (NoSuchFileException e) {
            throw new JobException("no token file " + file, e);
        } catch (IOException e) {
            throw new JobException("read the token file " + file + ": " + e.getMessage(), e);
        }
    }

    /** Without the token. */
    @Override
    public String toString() {
        return token.isEmpty() ? "nothing" : "token";
    }
}
