package dev.berth.master.registry;

import dev.berth.master.cluster.Registry.Contents;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** Where the registry is kept. One thread at a time; every method may block. */
public interface Store extends AutoCloseable {
    /** Everything that is stored. */
    Contents load() throws IOException, FencedException;

    /**
     * Makes all of these durable, in their order, or none.
     *
     * @throws IOException when it is not known, or known not, to be durable: another try may succeed
     */
    void commit(List<Write> writes) throws IOException, FencedException;

    /** Why this store will never take that write, for people; nothing when it may. */
    default Optional<String> refusal(Write write) {
        return Optional.empty();
    }

    /** Whether a master that keeps its registry here may answer as the leader. False once, it stays so. Any thread; does not block. */
    default boolean isHeld() {
        return true;
    }

    @Override
    void close();
}
