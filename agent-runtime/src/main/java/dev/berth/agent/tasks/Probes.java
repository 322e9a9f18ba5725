package dev.berth.agent.tasks;

import java.util.function.Consumer;

/** Looks whether something on this host answers. Conductor thread; the answer comes once, on it. */
public interface Probes {
    /** Connects, and with a path asks for it by HTTP. */
    void look(Target target, long timeoutNs, Consumer<Seen> result);

    /** @param path of an HTTP request; empty: a connection is enough */
    record Target(String host, int port, String path) {}

    /** What came of it. */
    sealed interface Seen {
        /** The connection was made, and no more was asked for. */
        record Connected() implements Seen {}

        /** An HTTP server answered. */
        record Answered(int status) implements Seen {}

        /** There was no answer. */
        record Failed(String why) implements Seen {}
    }
}
