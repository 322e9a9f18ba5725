package dev.berth.containerizer.journal;

import dev.berth.isolator.ContainerId;

/** One record. */
public sealed interface JournalEntry {
    ContainerId id();

    /** A start begins: from here on anything of the run may exist. */
    record StartBegun(ContainerId id) implements JournalEntry {}

    /** The program runs. */
    record Started(ContainerId id, int pid, long startTime) implements JournalEntry {}

    /**
     * Nothing of the run is left but its result.
     *
     * @param failed whether the program was never executed; then the other values say nothing
     */
    record Ended(
            ContainerId id,
            boolean failed,
            int waitStatus,
            boolean oomKilled,
            long finishedNs,
            long userUs,
            long systemUs)
            implements JournalEntry {}

    /** A further process is about to be started. */
    record ExecBegun(ContainerId id, String exec) implements JournalEntry {}

    record ExecEnded(ContainerId id, String exec) implements JournalEntry {}

    /** The container was removed: nothing about it is of interest any more. */
    record Forgotten(ContainerId id) implements JournalEntry {}
}
