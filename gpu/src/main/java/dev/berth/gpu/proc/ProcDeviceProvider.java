package dev.berth.gpu.proc;

import dev.berth.gpu.DeviceEvent;
import dev.berth.gpu.DeviceException;
import dev.berth.gpu.DeviceId;
import dev.berth.gpu.DeviceMetric;
import dev.berth.gpu.DeviceProvider;
import dev.berth.gpu.DeviceTable;
import dev.berth.gpu.HealthSignal;
import dev.berth.linux.Linux;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.Map;

/**
 * NVIDIA GPUs without NVML: which there are, where they sit and their XIDs. For hosts where the library is missing, of another version than the driver, or hangs. What it cannot say is memory: see {@link
 * DeviceCare}.
 *
 * <p>Thread: conductor.
 */
public final class ProcDeviceProvider implements DeviceProvider {
    private final Linux linux;
    private final ProcSettings settings;
    private final HostFiles host;
    private final EventQueue events = new EventQueue();
    private final DeadlineLane lane = new DeadlineLane("berth-gpu-proc", events);
    private final DeviceCare care;
    private final TableKeeper keeper = new TableKeeper(GpuSearch.RESOURCE_NAME);
    private final Map<DeviceId, Integer> lastXids = new HashMap<>();
    private @Nullable KmsgReader kmsg;
    private boolean closed;

    public ProcDeviceProvider(Linux linux, ProcSettings settings) {
        this.linux = linux;
        this.settings = settings;
        this.host = new HostFiles(settings.hostRoot());
        this.care =
                new DeviceCare(
                        linux,
                        lane,
                        new DeviceCare.Settings(
                                settings.hostRoot(),
                                settings.procRoot(),
                                settings.trustOpenFiles(),
                                "how much of its memory is in use cannot be said without NVML",
                                settings.searchNs(),
                                settings.resetNs()));
    }

    @Override
    public String name() {
        return "proc";
    }

    @Override
    public String resourceName() {
        return GpuSearch.RESOURCE_NAME;
    }

    @Override
    public void onNews(Runnable wake) {
        events.onNews(wake);
        try {
            kmsg = KmsgReader.open(linux, host.at("dev/kmsg"), events::wake);
        } catch (DeviceException e) {
            String reason = e.getMessage() + ": " + e.getCause();
            events.add(new DeviceEvent.SourceChanged(true, reason));
        }
        rescan();
    }

    /** Looks at the host again: after a driver was loaded anew, a GPU added or taken out. A changed table follows, or nothing. */
    public void rescan() {
        if (!closed && keeper.begin()) {
            lane.submit(
                    "discovery",
                    settings.searchNs(),
                    this::search,
                    reason ->
                            new DeviceEvent.SourceChanged(
                                    false, "discovery in " + settings.hostRoot() + ": " + reason));
        }
    }

    private DeviceEvent search() {
        GpuSearch search = new GpuSearch(host);
        DeviceTable found = search.run(1);
        if (!search.leftOut().isEmpty()) {
            String reason = "left out: " + String.join("; ", search.leftOut());
            events.add(new DeviceEvent.SourceChanged(true, reason));
        }
        return new DeviceEvent.TableChanged(found);
    }

    @Override
    public int poll(DeviceEventHandler handler, int limit) {
        int count = keeper.poll(events, event -> deliver(event, handler), limit);
        if (kmsg != null && count < limit) {
            count +=
                    kmsg.poll(
                            signal -> deliver(new DeviceEvent.Signalled(signal), handler),
                            limit - count);
        }
        return count;
    }

    /** What happened is noted here, on the conductor. */
    private void deliver(DeviceEvent event, DeviceEventHandler handler) {
        care.note(event);
        if (event instanceof DeviceEvent.TableChanged(DeviceTable table) && kmsg != null) {
            kmsg.onTable(table);
        }
        if (event instanceof DeviceEvent.Signalled(HealthSignal signal)
                && signal.kind() == HealthSignal.Kind.XID) {
            signal.device().ifPresent(id -> lastXids.put(id, signal.code()));
        }
        handler.onEvent(event);
    }

    @Override
    public void verify(DeviceId id) {
        if (!closed) {
            care.verify(id, keeper.table().find(id));
        }
    }

    @Override
    public void reset(DeviceId id) {
        if (!closed) {
            care.reset(id, keeper.table().find(id));
        }
    }

    @Override
    public void sample() {
        if (!closed) {
            Map<DeviceId, Integer> xids = Map.copyOf(lastXids);
            care.sample(
                    keeper.table().devices(),
                    id -> Map.of(DeviceMetric.XID_ERRORS, (double) xids.getOrDefault(id, 0)));
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        lane.close();
        if (kmsg != null) {
            kmsg.close();
        }
    }
}
