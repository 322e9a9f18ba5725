package dev.berth.containerizer.log;

/** What a frame carries. */
public enum LogStream {
    STDOUT,
    STDERR,
    /** A run has ended; no payload. */
    END_OF_RUN;

    /** From the number in a frame, 1 to 3. */
    static LogStream of(int number) {
        return switch (number) {
            case 1 -> STDOUT;
            case 2 -> STDERR;
            case 3 -> END_OF_RUN;
            default -> throw new IllegalArgumentException("log stream " + number);
        };
    }
}
