package dev.berth.master.registry;

/** Another master leads, or may: nothing that this one writes will ever succeed. */
public final class FencedException extends Exception {
    public FencedException(String message) {
        super(message);
    }

    public FencedException(String message, Throwable cause) {
        super(message, cause);
    }
}
