package dev.berth.protocol;

/** Bytes that are not what they should be; the message names the place, what was expected and what was found, and is fit to be shown to whoever sent them. */
public final class ProtocolException extends Exception {
    public ProtocolException(String message) {
        super(message);
    }

    public ProtocolException(String message, Throwable cause) {
        super(message, cause);
    }
}
