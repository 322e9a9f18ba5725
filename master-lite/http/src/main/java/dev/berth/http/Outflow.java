package dev.berth.http;

/** What is written into an answer that has no end. The loop's thread. */
public interface Outflow {
    /** The answer's head is written. */
    void begin();

    /** The client has room again. */
    void drain();

    /** The connection is gone. */
    void left();
}
