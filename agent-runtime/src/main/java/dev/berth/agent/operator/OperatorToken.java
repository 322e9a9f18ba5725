package dev.berth.agent.operator;

import dev.berth.agent.config.AgentException;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;

/**
 * The secret of the agent's API, in a file that only root reads. Shown as {@code Bearer TOKEN}, or as the password of any user. Whoever shows the master's token may pass too: it lets him run programs here anyway, and tools need one token
 * for a cluster.
 */
final class OperatorToken {
    private static final int BYTES = 32;
    private final Optional<String> secret;
    private final MasterToken ofMaster;

    /** Tells the master's token; asked when the agent's own was not shown, since that of the master may come later and change. */
    interface MasterToken {
        Optional<String> read() throws IOException;
    }

    private OperatorToken(Optional<String> secret, MasterToken ofMaster) {
        this.secret = secret;
        this.ofMaster = ofMaster;
    }

    static OperatorToken none() {
        return new OperatorToken(Optional.empty(), Optional::empty);
    }

    /** Reads the file, or makes it with a new secret. */
    static OperatorToken load(Path file, MasterToken ofMaster) throws AgentException {
        try {
            if (!Files.exists(file)) {
                byte[] random = new byte[BYTES];
                new SecureRandom().nextBytes(random);
                Path fresh = file.resolveSibling(file.getFileName() + ".new");
                Files.deleteIfExists(fresh);
                Files.createFile(
                        fresh,
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rw-------")));
                Files.writeString(fresh, HexFormat.of().formatHex(random) + "\n");
                Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            }
            String text = Files.readString(file).strip();
            if (text.isEmpty()) {
                throw AgentException.invalid(
                        "token file " + file + " is empty: remove it, and the agent makes one");
            }
            return new OperatorToken(Optional.of(text), ofMaster);
        } catch (IOException e) {
            throw AgentException.failed("token file " + file, e);
        }
    }

    /** Whether a request may pass; {@code header} is its Authorization, or empty. */
    boolean admits(String header) {
        if (secret.isEmpty()) {
            return true;
        }
        int space = header.indexOf(' ');
        if (space < 0) {
            return false;
        }
        String scheme = header.substring(0, space);
        String shown = header.substring(space + 1).strip();
        if (scheme.equalsIgnoreCase("Basic")) {
            try {
                String pair = new String(Base64.getDecoder().decode(shown), StandardCharsets.UTF_8);
                shown = pair.substring(pair.indexOf(':') + 1);
            } catch (IllegalArgumentException _) {
                return false;
            }
        } else if (!scheme.equalsIgnoreCase("Bearer")) {
            return false;
        }
        return equal(shown, secret.get()) || isOfMaster(shown);
    }

    private boolean isOfMaster(String shown) {
        try {
            Optional<String> token = ofMaster.read();
            return token.isPresent() && !token.get().isEmpty() && equal(shown, token.get());
        } catch (IOException _) {
            // The link to the master says why, for as long as it is so.
            return false;
        }
    }

    private static boolean equal(String shown, String secret) {
        return MessageDigest.isEqual(
                shown.getBytes(StandardCharsets.UTF_8), secret.getBytes(StandardCharsets.UTF_8));
    }
}
