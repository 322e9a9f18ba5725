package dev.berth.master.cluster;

import dev.berth.protocol.v1.master.Protos.Event;

/** The response of one operator SUBSCRIBE. Conductor thread only; the transport writes later, in order. */
public interface OperatorStream {
    /**
     * Queues an event.
     *
     * @return false when nothing was queued, since the client is too far behind or gone: the subscriber is cut off
     */
    boolean send(Event event);

    /** Ends the response; what is queued may be dropped. Later calls do nothing. */
    void close();
}
