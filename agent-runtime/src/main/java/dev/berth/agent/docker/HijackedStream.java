package dev.berth.agent.docker;

import io.netty.buffer.ByteBuf;

/** A connection that is a raw stream both ways. Thread: the loop's. */
interface HijackedStream extends ByteSink {
    /** Receives what the client sends; nothing is read before this is called. The buffer belongs to the receiver. */
    void onInput(InputHandler handler);

    /** Whether more input is wanted: false makes the client wait. */
    void wantInput(boolean wanted);

    /** What the client sends. */
    interface InputHandler {
        void onBytes(ByteBuf bytes);

        /** The client has closed its sending side. */
        void onEnd();
    }
}
