package dev.berth.master.scheduler;

import dev.berth.protocol.v1.scheduler.Protos.Event;

/** Events of the scheduler API without content of their own. */
final class Events {
    static final Event HEARTBEAT = Event.newBuilder().setType(Event.Type.HEARTBEAT).build();

    private Events() {}

    static Event error(String message) {
        return Event.newBuilder()
                .setType(Event.Type.ERROR)
                .setError(Event.Error.newBuilder().setMessage(message))
                .build();
    }
}
