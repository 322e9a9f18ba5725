package dev.berth.discovery;

/** An address that is none, or a ZooKeeper that does not do as it is asked; the message names it and is fit for the operator. */
public final class DiscoveryException extends Exception {
    public DiscoveryException(String message) {
        super(message);
    }

    public DiscoveryException(String message, Throwable cause) {
        super(message, cause);
    }
}
