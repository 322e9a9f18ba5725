package dev.berth.http;

import dev.berth.protocol.TokenFile;
import dev.berth.protocol.Trouble;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;

/**
 * Who may talk to a server of ours: whoever has the token of a file that only its owner can read. {@code Authorization: Bearer TOKEN}, or Basic with any user and the token for a password.
 *
 * @param secret empty when everybody may
 */
public record AccessToken(Optional<String> secret) {
    /** Everybody may. */
    public static final AccessToken ANONYMOUS = new AccessToken(Optional.empty());

    private static final int BYTES = 32;
    private static final Set<PosixFilePermission> OTHERS =
            EnumSet.complementOf(
                    EnumSet.of(
                            PosixFilePermission.OWNER_READ,
                            PosixFilePermission.OWNER_WRITE,
                            PosixFilePermission.OWNER_EXECUTE));

    /**
     * Who asks.
     *
     * @param allowed false: 401
     * @param principal the user of Basic, where one was given
     */
    public record Caller(boolean allowed, Optional<String> principal) {}

    /**
     * What an Authorization header shows.
     *
     * @param user of Basic, where one was given
     * @param token empty when none was shown
     */
    public record Shown(Optional<String> user, Optional<String> token) {
        private static final Shown NOTHING = new Shown(Optional.empty(), Optional.empty());

        /** Reads the header. */
        public static Shown of(@Nullable String header) {
            int space = header == null ? -1 : header.indexOf(' ');
            if (header == null || space < 0) {
                return NOTHING;
            }
            String scheme = header.substring(0, space);
            String value = header.substring(space + 1).strip();
            if (scheme.equalsIgnoreCase("bearer")) {
                return new Shown(Optional.empty(), Optional.of(value));
            }
            if (!scheme.equalsIgnoreCase("basic")) {
                return NOTHING;
            }
            String pair = decode(value);
            int colon = pair.indexOf(':');
            return colon < 0
                    ? NOTHING
                    : new Shown(
                            Optional.of(pair.substring(0, colon)).filter(user -> !user.isEmpty()),
                            Optional.of(pair.substring(colon + 1)));
        }
    }

    /** Reads the token, or makes it, mode 0600, when there is no such file. */
    public static AccessToken load(Path file) throws IOException {
        try {
            if (!Files.exists(file)) {
                make(file.toAbsolutePath());
            }
            Set<PosixFilePermission> mode = EnumSet.noneOf(PosixFilePermission.class);
            mode.addAll(Files.getPosixFilePermissions(file));
            mode.retainAll(OTHERS);
            if (!mode.isEmpty()) {
                throw new IOException(
                        "token file " + file + " is open to others: chmod 600 " + file);
            }
            return new AccessToken(Optional.of(TokenFile.read(file)));
        } catch (FileSystemException e) {
            throw new IOException(
                    "make the token file " + file + ": " + Trouble.ofFile(e, file), e);
        }
    }

    private static void make(Path file) throws IOException {
        byte[] random = new byte[BYTES];
        new SecureRandom().nextBytes(random);
        // Created closed, not closed after: nobody can have it open from the time between.
        Path directory = file.getParent();
        Path fresh;
        try {
            fresh =
                    Files.createTempFile(
                            directory,
                            file.getFileName().toString(),
                            ".new",
                            PosixFilePermissions.asFileAttribute(
                                    PosixFilePermissions.fromString("rw-------")));
        } catch (FileSystemException e) {
            // The temporary file's name would tell nobody anything.
            throw new IOException(
                    "make the token file "
                            + file
                            + ": "
                            + Trouble.ofFile(e, String.valueOf(e.getFile())),
                    e);
        }
        try {
            Files.writeString(
                    fresh, HexFormat.of().formatHex(random) + "\n", StandardCharsets.US_ASCII);
            // Whole when it appears: another process that begins now must not read half of it.
            Files.createLink(file, fresh);
        } catch (FileAlreadyExistsException _) {
            // Another process on this machine was first.
        } finally {
            Files.deleteIfExists(fresh);
        }
    }

    /** Judges a request by its Authorization header. */
    public Caller check(@Nullable String header) {
        return check(Shown.of(header));
    }

    /** Judges what was shown. */
    public Caller check(Shown shown) {
        return new Caller(
                secret.isEmpty() || shown.token().filter(this::is).isPresent(), shown.user());
    }

    private static String decode(String base64) {
        try {
            return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException _) {
            return "";
        }
    }

    private boolean is(String said) {
        // Constant in time over the token: how much of it was right is nobody's business.
        return secret.isPresent()
                && MessageDigest.isEqual(
                        secret.get().getBytes(StandardCharsets.UTF_8),
                        said.getBytes(StandardCharsets.UTF_8));
    }

    /** Without the token. */
    @Override
    public String toString() {
        return secret.isEmpty() ? "anonymous" : "token";
    }
}
