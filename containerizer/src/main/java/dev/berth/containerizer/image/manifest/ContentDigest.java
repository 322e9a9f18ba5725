package dev.berth.containerizer.image.manifest;

import dev.berth.containerizer.image.Digest;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;

/** Computes content digests; the algorithms are those that {@link Digest} allows. */
public final class ContentDigest {
    private ContentDigest() {}

    /** A running digest of {@code sha256} or {@code sha512}. */
    public static MessageDigest start(String algorithm) {
        try {
            return MessageDigest.getInstance(
                    algorithm.toUpperCase(Locale.ROOT).replace("SHA", "SHA-"));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Ends a running digest. */
    public static Digest finish(String algorithm, MessageDigest running) {
        return new Digest(algorithm, HexFormat.of().formatHex(running.digest()));
    }

    public static Digest of(String algorithm, byte[] bytes) {
        MessageDigest running = start(algorithm);
        running.update(bytes);
        return finish(algorithm, running);
    }
}
