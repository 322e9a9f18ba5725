package dev.berth.jobs;

/** A master or an agent that does not do as it is asked; the message names it and is fit for the operator. */
public final class JobException extends Exception {
    public JobException(String message) {
        super(message);
    }

    public JobException(String message, Throwable cause) {
        super(message, cause);
    }
}
