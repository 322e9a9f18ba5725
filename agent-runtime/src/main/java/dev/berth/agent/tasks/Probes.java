package dev.berth.agent.tasks;

import java.util.function.Consumer;

/** Looks whether something on this host answers. Conductor thread; the answer comes once, on it. */
public interface Probes {
    /**
     * Connects, and with a {@code path} asks for it by HTTP.
     *
     * @param result empty when it answered well, else why not
     */
    void look(Target target, long timeoutNs, Consumer<String> result);

    /** @param path of an HTTP request; empty: a connection is enough */
    record Target(String host, int port, String path) {}
}
