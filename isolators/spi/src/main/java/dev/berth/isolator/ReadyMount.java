package dev.berth.isolator;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.OwnedFd;

/**
 * A mount, or a tree of mounts, whose source the agent holds or knows how to find: attached with the attributes that it comes with. Two are equal when they are the same object.
 *
 * <p>Thread: any.
 */
public interface ReadyMount {
    /** For people: what it is, with a generation where it has one. */
    String name();

    /** Whether its root is a directory: decides what its mount point is made as. */
    boolean directory();

    /**
     * A detached, private clone of the whole tree; the caller owns it. Cheap: conductor.
     *
     * @throws ErrnoException ESTALE when what it stood for was replaced or is gone
     */
    OwnedFd open() throws ErrnoException;
}
