package dev.berth.isolator;

/** An isolator could not do its part. Message: the isolator's name, operation, object, value; it never repeats the cause. */
public final class IsolatorException extends Exception {
    public IsolatorException(String message) {
        super(message);
    }

    public IsolatorException(String message, Throwable cause) {
        super(message, cause);
    }
}
