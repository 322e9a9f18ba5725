package dev.berth.containerizer.log;

/**
 * A place between two frames.
 *
 * @param sequence of the file; −1: before the first file that will ever be
 * @param offset bytes from the start of that file
 */
public record LogPosition(long sequence, long offset) implements Comparable<LogPosition> {
    /** Before everything. */
    public static final LogPosition BEGIN = new LogPosition(-1, 0);

    @Override
    public int compareTo(LogPosition other) {
        int bySequence = Long.compare(sequence, other.sequence);
        return bySequence != 0 ? bySequence : Long.compare(offset, other.offset);
    }
}
