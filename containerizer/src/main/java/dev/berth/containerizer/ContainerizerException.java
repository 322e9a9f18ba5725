package dev.berth.containerizer;

/** A containerizer operation failed. Message: operation, object, value; it never repeats the cause. */
public final class ContainerizerException extends Exception {
    public ContainerizerException(String message) {
        super(message);
    }

    public ContainerizerException(String message, Throwable cause) {
        super(message, cause);
    }
}
