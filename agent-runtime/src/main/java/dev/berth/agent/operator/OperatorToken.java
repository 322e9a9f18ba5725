package dev.berth.agent.operator;

import dev.berth.agent.config.AgentException;
import dev.berth.http.AccessToken;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Who may use the agent's API: whoever shows the token of a file that only its owner reads, or the master's token: that lets him run programs here anyway, and tools need one token for a cluster.
 *
 * <p>Thread: any; looks at a small file.
 */
final class OperatorToken {
    private final AccessToken own;
    private final MasterToken ofMaster;

    /** Tells the master's token; asked when the agent's own was not shown, since that of the master may come later and change. */
    interface MasterToken {
        Optional<String> read() throws IOException;
    }

    private OperatorToken(AccessToken own, MasterToken ofMaster) {
        this.own = own;
        this.ofMaster = ofMaster;
    }

    /** Everybody may. */
    static OperatorToken none() {
        return new OperatorToken(AccessToken.ANONYMOUS, Optional::empty);
    }

    /** Reads the file, or makes it with a new secret. */
    static OperatorToken load(Path file, MasterToken ofMaster) throws AgentException {
        try {
            return new OperatorToken(AccessToken.load(file), ofMaster);
        } catch (IOException e) {
            throw AgentException.failed("token file " + file, e);
        }
    }

    /** Whether a request may pass; {@code header} is its Authorization. */
    boolean admits(@Nullable String header) {
        AccessToken.Shown shown = AccessToken.Shown.of(header);
        return own.check(shown).allowed() || (shown.token().isPresent() && isOfMaster(shown));
    }

    private boolean isOfMaster(AccessToken.Shown shown) {
        try {
            Optional<String> token = ofMaster.read().filter(text -> !text.isEmpty());
            return token.isPresent() && new AccessToken(token).check(shown).allowed();
        } catch (IOException _) {
            // The link to the master says why, for as long as it is so.
            return false;
        }
    }
}
