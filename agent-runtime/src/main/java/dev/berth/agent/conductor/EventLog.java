package dev.berth.agent.conductor;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/** The last thousand events, and who is told about new ones. Conductor thread. */
final class EventLog {
    private static final int KEPT = 1024;

    private final ArrayDeque<AgentEvent> recent = new ArrayDeque<>();
    private final List<EventListener> listeners = new ArrayList<>();

    void publish(AgentEvent event) {
        if (recent.size() == KEPT) {
            recent.removeFirst();
        }
        recent.addLast(event);
        for (EventListener listener : listeners) {
            listener.onEvent(event);
        }
    }

    /** Tells the listener what is kept, then everything new: nothing twice, nothing missed. */
    void subscribe(EventListener listener) {
        recent.forEach(listener::onEvent);
        listener.onCaughtUp();
        listeners.add(listener);
    }

    void unsubscribe(EventListener listener) {
        listeners.remove(listener);
    }
}
