package dev.berth.containerizer.image;

/** An image operation failed. The message names the operation, the object and the value, and never repeats the cause. */
public final class ImageException extends Exception {
    /** What kind of failure, for callers that answer with a status code. */
    public enum Kind {
        NOT_FOUND,
        UNAUTHORIZED,
        CONFLICT,
        INVALID,
        FAILED
    }

    private final Kind kind;

    public ImageException(String message) {
        this(Kind.FAILED, message);
    }

    public ImageException(String message, Throwable cause) {
        super(message, cause);
        this.kind = cause instanceof ImageException inner ? inner.kind : Kind.FAILED;
    }

    public ImageException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
