package dev.berth.gpu.proc;

import dev.berth.gpu.DeviceEvent;
import dev.berth.gpu.DeviceProvider.DeviceEventHandler;

import java.util.ArrayDeque;

/** Events on their way to the conductor. Bounded by what the conductor has asked for: every answer belongs to a command. Thread: any. */
public final class EventQueue {
    private final ArrayDeque<DeviceEvent> events = new ArrayDeque<>();
    private Runnable wake = () -> {};

    /** What is called when there is something after there was nothing. */
    public void onNews(Runnable callback) {
        boolean waiting;
        synchronized (events) {
            wake = callback;
            waiting = !events.isEmpty();
        }
        if (waiting) {
            callback.run();
        }
    }

    public void add(DeviceEvent event) {
        Runnable call = null;
        synchronized (events) {
            if (events.isEmpty()) {
                call = wake;
            }
            events.add(event);
        }
        if (call != null) {
            call.run();
        }
    }

    /** Wakes the conductor for news that lies elsewhere. */
    public void wake() {
        Runnable call;
        synchronized (events) {
            call = wake;
        }
        call.run();
    }

    /** At most {@code limit}, in order; how many. */
    public int poll(DeviceEventHandler handler, int limit) {
        int count = 0;
        while (count < limit) {
            DeviceEvent event;
            synchronized (events) {
                event = events.poll();
            }
            if (event == null) {
                break;
            }
            handler.onEvent(event);
            count++;
        }
        return count;
    }
}
