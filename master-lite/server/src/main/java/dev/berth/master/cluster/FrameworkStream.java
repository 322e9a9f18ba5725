package dev.berth.master.cluster;

import dev.berth.protocol.v1.scheduler.Protos.Event;

/** The response of one SUBSCRIBE: events to one framework. Conductor thread only; the transport writes later, in order. */
public interface FrameworkStream {
    /** {@code Mesos-Stream-Id}: unguessable, at most 128 bytes, made by the transport. */
    String id();

    /**
     * Queues an event. Events may be sent before {@code subscribe} has returned: they follow the response's head.
     *
     * @return false when nothing was queued, since the client is too far behind or gone; the caller then lets go of the stream
     */
    boolean send(Event event);

    /** Ends the response once everything queued is written. Later calls do nothing. {@code streamClosed} is not called for it. */
    void close();
}
