package dev.berth.jobs;

/** A master or an agent that does not do as it is asked; the message names it and is fit for the operator. */
public final class JobException extends Exception {
    private final boolean notFound;

    public JobException(String message) {
        this(message, false);
    }

    JobException(String message, boolean notFound) {
        super(message);
        this.notFound = notFound;
    }

    public JobException(String message, Throwable cause) {
        super(message, cause);
        notFound = false;
    }

    /** Whether it answered that what was asked for is not there. */
    public boolean isNotFound() {
        return notFound;
    }
}
