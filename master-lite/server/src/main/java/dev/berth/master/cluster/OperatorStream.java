package dev.berth.master.cluster;

import dev.berth.protocol.v1.master.Protos.Event;

import java.util.function.Supplier;

/** The response of one operator SUBSCRIBE. Conductor thread only; the transport writes later, in order. */
public interface OperatorStream {
    /**
     * Queues an event.
     *
     * @return false when nothing was queued, since the client is too far behind or gone: the subscriber is cut off
     */
    boolean send(Event event);

    /**
     * Queues an event that is made when its turn comes.
     *
     * @param make of immutable values, by any thread; it may be handed to several streams
     * @return as {@link #send}
     */
    boolean sendLater(Supplier<Event> make);

    /** Ends the response; what is queued may be dropped. Later calls do nothing. */
    void close();
}
