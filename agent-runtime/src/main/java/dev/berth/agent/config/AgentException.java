package dev.berth.agent.config;

import dev.berth.protocol.Trouble;

import org.jspecify.annotations.Nullable;

import java.nio.file.FileSystemException;

/** The agent cannot do what was asked. Message: operation, object, value; {@link Kind} says how an API should answer. */
public final class AgentException extends Exception {
    /** What kind of failure. */
    public enum Kind {
        /** The request itself is wrong (HTTP 400). */
        INVALID,
        /** No such thing (404). */
        NOT_FOUND,
        /** Not in this state, or the name is taken (409). */
        CONFLICT,
        /** It is so already (304). */
        NOT_MODIFIED,
        /** Berth does not do this yet (501). */
        UNSUPPORTED,
        /** It was tried and failed (500). */
        FAILED
    }

    private final Kind kind;
    private final int exitCode;

    public AgentException(Kind kind, String message) {
        super(message);
        this.kind = kind;
        this.exitCode = 0;
    }

    /** A start that failed; {@code exitCode} is what the command line exits with: 125, 126 or 127. */
    public AgentException(Kind kind, String message, int exitCode) {
        super(message);
        this.kind = kind;
        this.exitCode = exitCode;
    }

    public AgentException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
        this.exitCode = 0;
    }

    public static AgentException invalid(String message) {
        return new AgentException(Kind.INVALID, message);
    }

    public static AgentException notFound(String message) {
        return new AgentException(Kind.NOT_FOUND, message);
    }

    public static AgentException conflict(String message) {
        return new AgentException(Kind.CONFLICT, message);
    }

    public static AgentException notModified(String message) {
        return new AgentException(Kind.NOT_MODIFIED, message);
    }

    /** A field of a request that Berth does not support yet; {@code hint} says what to use instead, or is empty. */
    public static AgentException refused(String what, String hint) {
        return new AgentException(
                Kind.INVALID,
                what + " is not supported by Berth yet" + (hint.isEmpty() ? "" : ": " + hint));
    }

    public static AgentException failed(String message, Throwable cause) {
        return new AgentException(Kind.FAILED, message, cause);
    }

    private static String words(Throwable cause, @Nullable String said) {
        if (cause instanceof FileSystemException e) {
            String file = String.valueOf(e.getFile());
            // Already named: only why is missing.
            return Trouble.ofFile(e, said != null && said.contains(file) ? file : "");
        }
        return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    }

    /** 125, 126 or 127 when a start failed, else 0. */
    public int exitCode() {
        return exitCode;
    }

    public Kind kind() {
        return kind;
    }

    /** The message with those of its causes, once each, for an answer or a log line. */
    public String chain() {
        StringBuilder text = new StringBuilder(String.valueOf(getMessage()));
        Throwable cause = getCause();
        while (cause != null) {
            // What has no words is called by its name.
            String message = words(cause, getMessage());
            if (text.indexOf(message) < 0) {
                text.append(": ").append(message);
            }
            cause = cause.getCause();
        }
        return text.toString();
    }
}
