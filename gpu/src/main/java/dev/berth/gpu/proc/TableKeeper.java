package dev.berth.gpu.proc;

import dev.berth.gpu.DeviceEvent;
import dev.berth.gpu.DeviceProvider.DeviceEventHandler;
import dev.berth.gpu.DeviceTable;

/** Keeps a provider's table: one search at a time, and a table that says what is known already is no news. Thread: conductor. */
public final class TableKeeper {
    private DeviceTable table;
    private boolean discovered;
    private boolean searching;

    public TableKeeper(String resourceName) {
        table = DeviceTable.empty(resourceName);
    }

    /** The last one; empty before the first. */
    public DeviceTable table() {
        return table;
    }

    /** Whether a search may begin: none is under way. */
    public boolean begin() {
        if (searching) {
            return false;
        }
        searching = true;
        return true;
    }

    /** Delivers at most {@code limit} events; a found table gets its generation, or is dropped when nothing changed. Returns how many were delivered. */
    public int poll(EventQueue events, DeviceEventHandler handler, int limit) {
        int[] delivered = new int[1];
        int polled = -1;
        while (polled != 0 && delivered[0] < limit) {
            polled = events.poll(event -> delivered[0] += deliver(event, handler), 1);
        }
        return delivered[0];
    }

    private int deliver(DeviceEvent event, DeviceEventHandler handler) {
        switch (event) {
            case DeviceEvent.TableChanged(DeviceTable found) -> {
                searching = false;
                if (discovered && found.withGeneration(table.generation()).equals(table)) {
                    return 0;
                }
                table = found.withGeneration(table.generation() + 1);
                discovered = true;
                handler.onEvent(new DeviceEvent.TableChanged(table));
            }
            case DeviceEvent.SourceChanged changed -> {
                searching &= changed.working();
                handler.onEvent(changed);
            }
            case DeviceEvent.Signalled _,
                    DeviceEvent.Verified _,
                    DeviceEvent.ResetEnded _,
                    DeviceEvent.Sampled _ ->
                    handler.onEvent(event);
        }
        return 1;
    }
}
