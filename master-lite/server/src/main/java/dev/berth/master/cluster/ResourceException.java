package dev.berth.master.cluster;

/** Resources on the wire that the master does not take. The message says which, and what is wrong with them. */
public final class ResourceException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String reason;

    public ResourceException(String reason) {
        super(reason);
        this.reason = reason;
    }

    /** The message. */
    public String reason() {
        return reason;
    }
}
