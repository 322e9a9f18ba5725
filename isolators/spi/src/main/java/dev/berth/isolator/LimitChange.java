package dev.berth.isolator;

/** A change of a running container's limits, ready to be made: everything that it needs of the conductor's state is in it. */
public interface LimitChange extends AutoCloseable {
    /** Changes nothing. */
    LimitChange NONE =
            new LimitChange() {
                @Override
                public void apply() {}

                @Override
                public void close() {}
            };

    /** Writes the limits. Kernel lane: shrinking a memory limit may take as long as reclaim does. A container that has ended meanwhile is a no-op. */
    void apply() throws IsolatorException;

    /** Any thread. */
    @Override
    void close();
}
