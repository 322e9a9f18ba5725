package dev.berth.master.registry;

import dev.berth.master.cluster.Registry.Contents;

import java.io.IOException;
import java.util.List;

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

    @Override
    void close();
}
