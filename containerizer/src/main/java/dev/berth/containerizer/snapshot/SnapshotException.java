package dev.berth.containerizer.snapshot;

/** A root file system could not be made, prepared or read. Message: operation, object, value; it never repeats the cause. */
public final class SnapshotException extends Exception {
    public SnapshotException(String message) {
        super(message);
    }

    public SnapshotException(String message, Throwable cause) {
        super(message, cause);
    }
}
