package dev.berth.isolator;

import dev.berth.linux.ErrnoException;
import dev.berth.linux.OwnedFd;

/**
 * A mount tree of directories that was put together ahead of starts and is the same for all who get it: read-only, private. Two are equal when they are the same object.
 *
 * <p>Thread: any.
 */
public interface ReadyMount {
    /** For people: what it is, with a generation where it has one. */
    String name();

    /**
     * A detached clone of the whole tree; the caller owns it.
     *
     * @throws ErrnoException ESTALE when the tree was replaced and let go
     */
    OwnedFd open() throws ErrnoException;
}
