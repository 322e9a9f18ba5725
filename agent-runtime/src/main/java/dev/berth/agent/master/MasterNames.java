package dev.berth.agent.master;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Where masters are, and what is shown to them. A name service may take minutes to say nothing: each name has a thread of its own for as long as it is looked up, so that neither the lanes, which have work to do, nor another master's name
 * wait for it; and never more than one, however often it is asked for meanwhile.
 *
 * <p>Thread: conductor; the answer comes on it too.
 */
public final class MasterNames {
    /** Blocks. */
    public interface Resolver {
        InetAddress lookUp(String host) throws UnknownHostException;
    }

    /** Blocks on a small file. */
    interface Token {
        Optional<String> read() throws IOException;
    }

    /** What came of it. */
    sealed interface Found {
        record At(InetAddress address, Optional<String> token) implements Found {}

        record Nowhere(String why) implements Found {}
    }

    private final Consumer<Runnable> conductor;
    private final Token token;
    private final Resolver resolver;
    private final Map<String, Consumer<Found>> asked = new HashMap<>();

    MasterNames(Consumer<Runnable> conductor, Token token, Resolver resolver) {
        this.conductor = conductor;
        this.token = token;
        this.resolver = resolver;
    }

    /** Who asks again for a name takes the place of who asked before. */
    void find(String host, Consumer<Found> answer) {
        if (asked.put(host, answer) != null) {
            return;
        }
        Thread.ofPlatform()
                .daemon()
                .name("berth-names")
                .start(() -> {
                    Found found = look(host);
                    conductor.accept(() -> {
                        Consumer<Found> waiting = asked.remove(host);
                        if (waiting != null) {
                            waiting.accept(found);
                        }
                    });
                });
    }

    private Found look(String host) {
        try {
            return new Found.At(resolver.lookUp(host), token.read());
        } catch (UnknownHostException _) {
            return new Found.Nowhere("no such host: " + host);
        } catch (IOException e) {
            return new Found.Nowhere(String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            // The link must not wait for ever because of a provider's fault.
            return new Found.Nowhere("look up " + host + ": " + e);
        }
    }
}
