package dev.berth.protocol;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads the file of a token: one word that is sent in a header. No message holds anything of what the file holds. */
public final class TokenFile {
    private static final int MOST_CHARACTERS = 4096;

    private TokenFile() {}

    /** Reads a token. Blocks on a small file. */
    public static String read(Path file) throws IOException {
        String token;
        try {
            if (Files.size(file) > MOST_CHARACTERS) {
                throw new CharacterCodingException(); // as little a token as bytes that are no text
            }
            token = Files.readString(file, StandardCharsets.UTF_8).strip();
        } catch (CharacterCodingException _) {
            throw none(file);
        } catch (IOException e) {
            throw new IOException(
                    "read the token file " + file + ": " + Trouble.ofFile(e, file), e);
        }
        if (token.isEmpty()) {
            throw new IOException("token file " + file + " is empty");
        }
        if (!token.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
            throw none(file);
        }
        return token;
    }

    private static IOException none(Path file) {
        return new IOException(
                "token file " + file + " holds no token: want one word of ASCII letters and signs");
    }
}
